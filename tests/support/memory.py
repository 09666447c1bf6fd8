"""What memory a process has, had at most, and whose children it has."""

import re
from contextlib import suppress
from pathlib import Path

MEBIBYTE = 1 << 20


def resident(pid: int) -> float:
    """Return how many MiB a process occupies."""
    return _field(pid, "VmRSS")


def peak(pid: int) -> float:
    """Return how many MiB it occupied at most since `forget_peak`."""
    return _field(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Begin to watch for a new peak from what is occupied now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that still run."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):
            found += map(int, (task / "children").read_text().split())
    return found


def _field(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    assert found, text
    return int(found[1]) / 1024


class Watched:
    """A daemon and its parser children, from now on."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.before = resident(pid)
        self._children = {child: resident(child) for child in children(pid)}
        self._child_peak = 0.0
        for each in (pid, *self._children):
            forget_peak(each)

    def glance(self) -> None:
        """Note the peaks of children: one that is worn out is replaced any moment."""
        usual = max(self._children.values(), default=0.0)
        for child in children(self.pid):
            with suppress(FileNotFoundError, AssertionError):
                grown = peak(child) - self._children.get(child, usual)
                self._child_peak = max(self._child_peak, grown)

    def own_growth(self) -> float:
        """Return by how many MiB the daemon itself grew at most."""
        return peak(self.pid) - self.before

    def child_growth(self) -> float:
        """Return by how many MiB a child grew at most, as far as was seen."""
        self.glance()
        return self._child_peak
