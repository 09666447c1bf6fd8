"""Ends a process at an exact step: before the n-th call of a kind in one thread.

strace counts calls by thread. Attached to all of them it would always hit the busiest
thread first and never the others, so it is attached to the one that is meant. The
signal comes when the call is entered: the call itself is not carried out any more.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

#: Has the threads of a Python process carry their names, see there.
NAMED = {"PYTHONPATH": str(Path(__file__).with_name("named_threads"))}
#: What changes something that others can see: a disk, a connection, another thread.
CALLS = (
    *("pwrite64", "write", "writev", "fsync", "fdatasync", "ftruncate"),
    *("rename", "unlink", "mkdir", "sendto", "sendmsg", "recvfrom"),
)


#: The command for counting over a whole life: only the calls that are asked for stop
#: the process. A signal does not arrive in such a stop.
WATCHING = ("strace", "-f", "--seccomp-bpf", "-qq")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """Before the `nth` call of `call` in the thread, from now on."""

    thread: str
    call: str
    nth: int

    def __str__(self) -> str:
        """Name it as a report does."""
        return f"{self.thread}: {self.call} #{self.nth}"


@cache
def why_not() -> str:
    """Say why nothing can be traced here; "" if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = ["strace", "-qq", "-o", os.devnull, "-e", "inject=close:delay_exit=1"]
    done = subprocess.run([*probe, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "strace may not trace here"


def threads(pid: int) -> dict[str, list[int]]:
    """Return the numbers of the threads of a process by their names.

    The threads of a pool share one name: any of them may do the work that comes.
    """
    found: dict[str, list[int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end while its folder is read.
        with contextlib.suppress(FileNotFoundError):
            name = re.sub(r"_\d+$", "", (task / "comm").read_text().strip())
            found.setdefault(name, []).append(int(task.name))
    return found


def before(call: str, nth: int) -> list[str]:
    """Return the command that starts a process which is killed in any of its threads.

    This one reaches the first moments of a process, when there is only one thread.
    """
    watch = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"]
    return [*watch, "-e", f"inject={call}:signal=KILL:when={nth}"]


def end_traced(tracer: "subprocess.Popen[bytes]", how: signal.Signals) -> int:
    """End the process that strace was started with, which outlives strace otherwise."""
    children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children")
    os.kill(int(children.read_text().split()[0]), how)
    return tracer.wait(30)


@contextlib.contextmanager
def tampering(pid: int, thread: str, call: str, how: str) -> Iterator[None]:
    """Tamper with a call of one thread while the `with` lasts; `how` is strace's word.

    The thread needs its name, and has to be there already.
    """
    tids = threads(pid)[thread]
    which = [word for tid in tids for word in ("-p", str(tid))]
    what = ["-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:{how}"]
    tracer = _attached([*which, *what], len(tids))
    try:
        yield
    finally:
        detach(tracer)


def killing(pid: int, point: Point) -> contextlib.AbstractContextManager[None]:
    """Have a running process killed when it comes to a point."""
    return tampering(pid, point.thread, point.call, f"signal=KILL:when={point.nth}")


@contextlib.contextmanager
def counting(
    pid: int, into: "Counter[tuple[str, str]]", calls: Sequence[str] = CALLS
) -> Iterator[None]:
    """Count calls by thread while the `with` lasts; threads need names to be told."""
    names = _names(pid)
    lines: list[str] = []
    with recording(pid, lines, calls):
        yield
    names |= _names(pid)
    for line in lines:
        if found := re.match(r"(\d+)\s+(\w+)\(", line):
            into[names.get(int(found[1]), "?"), found[2]] += 1


@contextlib.contextmanager
def recording(
    pid: int, into: list[str], calls: Sequence[str] = CALLS
) -> Iterator[None]:
    """Write down every call of a process in the order of time, as strace words them.

    A file descriptor is followed by its path. The lines are there when the `with` ends.
    """
    listing = Path(f"/proc/{pid}/cwd").resolve() / "calls"
    what = ["-f", "-y", "-p", str(pid), "-e", f"trace={','.join(calls)}"]
    tracer = _attached([*what, "-o", str(listing)])
    try:
        yield
    finally:
        detach(tracer)
    into += listing.read_text(errors="replace").splitlines()


def detach(tracer: "subprocess.Popen[bytes]") -> None:
    """Leave the process alone again."""
    if tracer.poll() is None:
        tracer.send_signal(signal.SIGINT)
    tracer.wait(30)


def _names(pid: int) -> dict[int, str]:
    return {tid: name for name, tids in threads(pid).items() for tid in tids}


def _attached(options: Sequence[str], processes: int = 1) -> "subprocess.Popen[bytes]":
    with tempfile.TemporaryFile() as said:
        tracer = subprocess.Popen(["strace", *options], stderr=said)
        end = time.monotonic() + 30
        # It says so on stderr when it is there, and nobody tells us that it did.
        while (words := _all_of(said)).count(b"attached") < processes:
            assert tracer.poll() is None, words
            assert time.monotonic() < end, words
            time.sleep(0.005)
    return tracer


def _all_of(file: BinaryIO) -> bytes:
    return os.pread(file.fileno(), 65536, 0)
