"""Parser children for real: killed, replaced, bounded, deaf to the keyboard."""

import base64
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chamado.parsers.pool import ChildDied, ParserPool, PoolClosed
from chamado.parsers.types import Envelope, ParseLimits
from chamado.parsers.wire import Request

ENVELOPE = Envelope(
    mail_from="ana@example.com",
    rcpt_tos=("suporte@acme.example",),
    received_at=datetime(2026, 11, 22, 10, tzinfo=UTC),
)
GOOD = b"From: ana@example.com\r\nSubject: ok\r\n\r\nola\r\n"
# Under these limits a child works for minutes at this: what a bug would do to it.
UNBOUNDED = ParseLimits(
    html_bytes=50_000_000, html_depth=10_000_000, text_chars=50_000_000
)
ENDLESS = b"Content-Type: text/html\r\n\r\n" + b"<div>" * 500_000


@pytest.fixture
def pool() -> Iterator[Callable[..., ParserPool]]:
    """Open pools that are closed when the test ends."""
    opened: list[ParserPool] = []

    def open_pool(size: int = 1, **bounds: object) -> ParserPool:
        opened.append(ParserPool(size, **bounds))  # type: ignore[arg-type]
        return opened[-1]

    yield open_pool
    for one in opened:
        one.close()


def children() -> set[int]:
    """Return the process ids of our children that still live."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def subject(pool: ParserPool, raw: bytes = GOOD, **more: object) -> str:
    """Parse one message in a pool and return its subject."""
    request = Request(envelope=ENVELOPE, raw=raw, **more)  # type: ignore[arg-type]
    return pool.understand(request).message.subject


def test_a_child_reads_one_message_after_another(pool):
    """A kept child serves many messages and is started once."""
    one = pool()
    before = children()
    assert [subject(one) for _ in range(50)] == ["ok"] * 50
    assert children() == before


def test_many_threads_share_the_children(pool):
    """Each call has a child to itself; nobody gets another's answer."""
    one = pool(2)
    raws = [GOOD.replace(b"ok", b"n%d" % n) for n in range(60)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda raw: subject(one, raw), raws)) == [
            f"n{n}" for n in range(60)
        ]


def test_f13_a_message_that_takes_too_long_is_killed_by_the_clock(pool):
    """The wall-clock limit ends it, and the next message is served at once."""
    one = pool(1, wall_seconds=3.0)
    subject(one)
    with pytest.raises(ChildDied) as died:
        subject(one, ENDLESS, limits=UNBOUNDED)
    assert died.value.reason == "wall"
    assert subject(one) == "ok"


def test_f13_a_message_that_burns_the_processor_is_killed(pool):
    """The CPU limit counts from the message's start, not the child's."""
    one = pool(1, cpu_seconds=1, wall_seconds=60)
    subject(one)
    with pytest.raises(ChildDied) as died:
        subject(one, ENDLESS, limits=UNBOUNDED)
    assert died.value.reason == "cpu"
    assert subject(one) == "ok"


def test_f36_a_message_that_eats_memory_costs_only_itself(pool):
    """Out of address space the message degrades or its child dies; the pool goes on."""
    one = pool(1, memory_bytes=180_000_000)
    raw = b"Subject: big\r\n\r\n" + b"x" * 60_000_000
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(subject, one, raw)
        died = call.exception(60)
    assert died is None or isinstance(died, ChildDied)
    assert subject(one) == "ok"


def test_f13_a_child_that_died_idle_is_replaced(pool):
    """No message is to blame for it, so none is given up."""
    before = children()
    one = pool()
    (pid,) = children() - before
    subject(one)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert subject(one) == "ok"
    assert children() - before != {pid}


@pytest.mark.parametrize("work", [False, True])
def test_f07_a_child_that_cannot_be_started_is_started_later(pool, work):
    """Every descriptor taken for a while: afterwards the pool has all its children."""
    before = children()
    one = pool()
    (pid,) = children() - before
    subject(one)
    with ThreadPoolExecutor(1) as threads, no_descriptors():
        if work:
            call = threads.submit(subject, one, ENDLESS, limits=UNBOUNDED)
            wait_busy(one)
        os.kill(pid, signal.SIGKILL)
        if work:
            assert isinstance(call.exception(10), ChildDied)
        else:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        for _ in range(2):
            with pytest.raises(OSError, match="Too many open files"):
                subject(one)
    assert subject(one) == "ok"


@contextmanager
def no_descriptors():
    """No new one can be opened in this process; what is open stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_f13_a_child_killed_at_work_costs_its_message(pool):
    """Whoever kills it, the caller is told and the next message is served."""
    before = children()
    one = pool()
    (pid,) = children() - before
    subject(one)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(subject, one, ENDLESS, limits=UNBOUNDED)
        wait_busy(one)
        os.kill(pid, signal.SIGKILL)
        error = call.exception(10)
    assert isinstance(error, ChildDied)
    assert error.reason == "crash"
    assert subject(one) == "ok"


def wait_busy(pool: ParserPool) -> None:
    """Wait until a message is being parsed."""
    deadline = time.monotonic() + 10
    while not pool.busy() and time.monotonic() < deadline:
        os.sched_yield()
    assert pool.busy()


def test_the_lower_rungs_read_what_the_whole_could_not(pool):
    """A message that was too expensive whole is read as text, and as headers."""
    one = pool(1, wall_seconds=20)
    raw = b"Subject: heavy\r\n" + ENDLESS
    assert subject(one, raw, rung=1) == "heavy"
    assert subject(one, raw, rung=2) == "heavy"


def test_a_large_message_goes_by_path_and_gives_memory_back(pool, tmp_path):
    """25 MB cost a child at most five times that, and every byte comes back."""
    before = children()
    one = pool()
    (pid,) = children() - before
    content = os.urandom(18_000_000)
    path = tmp_path / "big.eml"
    path.write_bytes(
        b"Subject: big\r\nContent-Type: application/zip; name=a.zip\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content)
    )
    subject(one)
    start = peak(pid)
    message = one.understand(Request(envelope=ENVELOPE, raw_path=str(path))).message
    assert message.attachments[0].content == content
    assert peak(pid) - start < 5 * path.stat().st_size
    # The next message is only taken when the last one is cleared away.
    subject(one)
    assert resident(pid) - start < 40_000_000


def peak(pid: int) -> int:
    """Return the largest resident size of a process so far, in bytes."""
    return status(pid, "VmHWM")


def resident(pid: int) -> int:
    """Return the resident size of a process in bytes."""
    return status(pid, "VmRSS")


def status(pid: int, field: str) -> int:
    """Return a size out of a process's status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{field} of {pid} is unknown")


def test_bytes_in_flight_are_bounded(pool):
    """Two large messages do not go at once; each of them still goes."""
    one = pool(2, bytes_at_once=1_500_000)
    raw = b"Subject: x\r\n\r\n" + b"y" * 1_000_000
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: subject(one, raw), range(8))) == ["x"] * 8


def test_children_hold_no_secret_and_no_open_file(pool, tmp_path, monkeypatch):
    """Neither the environment nor the files of the daemon reach a child."""
    monkeypatch.setenv("CHAMADO_RELAY__PASSWORD", "canary")
    before = children()
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        one = pool()
        subject(one)
        (pid,) = children() - before
        assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
        opened = {fd.readlink() for fd in Path(f"/proc/{pid}/fd").iterdir()}
    assert tmp_path / "open" not in opened


def test_an_interrupt_is_for_the_parent(pool):
    """Ctrl-C on the terminal does not end a child in the middle of a message."""
    before = children()
    one = pool()
    (pid,) = children() - before
    subject(one)
    os.kill(pid, signal.SIGINT)
    assert subject(one) == "ok"
    assert children() - before == {pid}


def test_closing_ends_every_child_and_every_call(pool):
    """A call in progress raises, and no process is left."""
    before = children()
    one = pool(2)
    subject(one)
    raised: list[BaseException] = []

    def call() -> None:
        try:
            subject(one, ENDLESS, limits=UNBOUNDED)
        except PoolClosed as error:
            raised.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    wait_busy(one)
    one.close()
    caller.join(10)
    assert not caller.is_alive()
    assert len(raised) == 1
    assert children() == before
    with pytest.raises(PoolClosed):
        subject(one)


def test_a_missing_file_is_the_callers_error(pool):
    """A path that is gone is told at once, and costs no child."""
    one = pool()
    with pytest.raises(FileNotFoundError):
        one.understand(Request(envelope=ENVELOPE, raw_path="/nonexistent/x"))
    assert subject(one) == "ok"
