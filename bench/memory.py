"""What the daemon and its parser children hold in memory, through a backlog and for one
mail of 25 MB."""

import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import places
from bench.chain import daemon
from bench.client import SUPPORT, Client
from bench.corpus import Mail, big_mail, mixed
from bench.effort import Effort
from bench.look import Look, wait_for
from bench.table import Section, Target, figure
from tests.support.daemon import Daemon
from tests.support.memory import children, forget_peak, peak, resident

BACKLOG_MB, DAEMON_TIMES, CHILD_TIMES = 250.0, 3.0, 8.0
BIG_MB = 25
_FILED = "SELECT count(*) FROM inbox WHERE state <> 'received'"
_QUIET_SECONDS = 3.0


class Watch:
    """Samples resident memory of a process and of all its children together."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.daemon = 0.0
        self.together = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            own = resident(self._pid)
            all_ = own + sum(map(_of_child, children(self._pid)))
            self.daemon = max(self.daemon, own)
            self.together = max(self.together, all_)

    def end(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()


def _of_child(pid: int) -> float:
    try:
        return resident(pid)
    except (OSError, AssertionError):
        return 0.0


def backlog(kind: str, folder: Path, count: int) -> tuple[float, float, int]:
    """Peaks of the daemon alone and with its children, and how many came to wait."""
    with (
        TemporaryDirectory(dir=folder) as place,
        places.database(kind, folder) as url,
        places.sink() as relay_port,
        daemon(url, Path(place), relay_port) as running,
    ):
        look, pid = Look(url), running.process.pid
        client = Client(running.smtp_port, count, big=False, connections=50)
        watch = Watch(pid)
        try:
            client.go()
            client.result()
            deepest = count - int(look.value(_FILED))
            wait_for(lambda: look.value(_FILED) == count, "the backlog is filed")
        finally:
            watch.end()
            client.end()
            look.close()
        return watch.daemon, watch.together, deepest


def one_big(folder: Path) -> dict[str, tuple[float, float, float]]:
    """For one large mail: peak above rest, rest before, rest after; MB, by process."""
    with (
        TemporaryDirectory(dir=folder) as place,
        places.database(places.SQLITE, folder) as url,
        places.sink() as relay_port,
        daemon(url, Path(place), relay_port) as running,
    ):
        look, pid = Look(url), running.process.pid
        _send(running, look, 0, [mail.content for mail in _warm()])
        before = {p: resident(p) for p in (pid, *children(pid))}
        for process in before:
            forget_peak(process)
        _send(running, look, len(_warm()), [big_mail(BIG_MB << 20).content])
        peaks = {p: peak(p) for p in before if Path(f"/proc/{p}").exists()}
        time.sleep(_QUIET_SECONDS)
        after = {p: _of_child(p) for p in before}
        look.close()
    child = max((p for p in peaks if p != pid), key=lambda p: peaks[p] - before[p])
    return {
        name: (peaks[p] - before[p], before[p], after[p])
        for name, p in (("daemon", pid), ("parser child", child))
    }


def _warm() -> list[Mail]:
    return mixed(40, big=False)


def _send(running: Daemon, look: Look, done: int, mails: list[bytes]) -> None:
    for content in mails:
        assert running.send(content, rcpt=SUPPORT)
    wait_for(lambda: look.value(_FILED) == done + len(mails), "all are filed")


def memory(effort: Effort, folder: Path) -> Section:
    """Measure both."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    for kind in places.kinds():
        alone, together, deepest = backlog(kind, folder, effort.backlog_mails)
        what = f"{effort.backlog_mails:,} mails at once, {kind}"
        depth = f"{deepest:,} waiting at the end of the flood"
        rows.append((what, figure(alone, "MB"), figure(together, "MB"), depth))
        targets.append(_target(f"memory, {what}", alone, BACKLOG_MB, "≤ 250 MB", "MB"))
    for name, (most_above, before, after) in one_big(folder).items():
        times = most_above / BIG_MB
        most = DAEMON_TIMES if name == "daemon" else CHILD_TIMES
        rows.append(
            (
                f"one mail of {BIG_MB} MB, {name}",
                figure(before + most_above, "MB"),
                "",
                f"{figure(times)} × its size above the rest of {before:.0f} MB; "
                f"{after:.0f} MB {_QUIET_SECONDS:.0f} s later",
            )
        )
        targets.append(
            _target(f"one large mail, {name}", times, most, f"≤ {most:.0f} ×", "×")
        )
    return Section(
        title="Memory",
        how="Resident memory at its peak, from /proc.",
        columns=("what", "daemon or child", "daemon and children", ""),
        rows=tuple(rows),
        targets=tuple(targets),
    )


def _target(what: str, reached: float, most: float, wanted: str, unit: str) -> Target:
    return Target(
        what=what, wanted=wanted, reached=reached, met=reached <= most, unit=unit
    )
