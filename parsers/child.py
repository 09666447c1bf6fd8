"""The parser child: `python -m chamado.parsers.child`, killable at any time.

Serves requests of `chamado.parsers.wire` from stdin to stdout until stdin ends: that
is also how it dies with its parent (a parent-death signal would follow the thread that
started it, not the process). It bounds its own memory and processor time and holds no
secret, no socket and no database. What it does to one message costs only that message.
"""

import ctypes
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from chamado.parsers.understand import understand
from chamado.parsers.wire import Request, read_request, write_answer

OUT_OF_MEMORY = 71
# Past this size the C library is asked to give freed memory back at once.
_LARGE = 1_048_576


def _limit(which: int, soft: int) -> None:
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(which, (soft, hard))


def _bound(request: Request) -> None:
    """Set the limits for one request: address space, and CPU seconds from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_AS, request.memory_bytes)
    _limit(
        resource.RLIMIT_CPU,
        int(used.ru_utime + used.ru_stime) + request.cpu_seconds + 1,
    )


def _give_back() -> None:
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        # Another C library: it keeps the memory, and the pool replaces the child.
        return


def _answer(request: Request, sink: BinaryIO) -> int:
    """Understand one message and write the answer; returns the message's size."""
    raw = request.raw
    if request.raw_path is not None:
        raw = Path(request.raw_path).read_bytes()
    understood = understand(
        raw,
        request.envelope,
        request.own,
        request.trusted,
        request.limits,
        rung=request.rung,
    )
    write_answer(sink, understood)
    return len(raw)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the source ends."""
    while (request := read_request(source)) is not None:
        _bound(request)
        size = _answer(request, sink)
        del request
        if size > _LARGE:
            _give_back()


def main() -> int:
    """Run the child; the exit code tells running out of memory from a crash."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        return OUT_OF_MEMORY
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
