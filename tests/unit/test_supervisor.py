"""The thread that guards the others."""

import signal
import threading
from collections.abc import Iterator

import pytest

from chamado.daemon.supervisor import Job, Supervisor
from chamado.daemon.systemd import Systemd

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """Give the signals back that a supervisor listens to."""
    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def test_jobs_end_when_one_of_them_cannot_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no thread is left for one, the others do not run on without a guard."""
    begun = threading.Event()

    def work(stop: threading.Event, _beat: object) -> None:
        begun.set()
        stop.wait(60)

    first, second = (Job(name=name, run=work, stage=1) for name in ("first", "second"))
    start = threading.Thread.start

    def start_one(thread: threading.Thread) -> None:
        if thread.name == "second":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    guard = Supervisor(
        [first, second],
        systemd=Systemd({}),
        watchdog_seconds=None,
        reload=lambda: "",
        status=lambda: "",
    )
    try:
        with pytest.raises(RuntimeError, match="new thread"):
            guard.run(lambda: None)
        assert begun.is_set()
        assert first.thread is not None
        assert not first.thread.is_alive()
    finally:
        first.stop.set()
