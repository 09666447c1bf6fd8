"""The parent's side of the parser children: kept, bounded, killed, replaced.

A call checks a child out, talks to it and puts it back, so that as many messages are
parsed at once as there are children. One watchdog thread kills a child whose message
takes too long on the clock, which ends the blocked conversation. A child that died is
replaced; what to do about its message is for the caller to decide.
"""

import fcntl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGXCPU
from typing import IO, Literal

from chamado.parsers.child import OUT_OF_MEMORY
from chamado.parsers.types import Understood
from chamado.parsers.wire import BrokenFrame, Request, read_answer, request_frame

Reason = Literal["wall", "cpu", "memory", "crash"]

_COMMAND = (sys.executable, "-I", "-m", "chamado.parsers.child")
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
_MESSAGES_A_CHILD = 5_000
_LARGE = 1_048_576
_RESIDENT_BYTES = 201_326_592
_PAGE = 4_096


class ChildDied(Exception):
    """The child did not survive this message; `reason` says how it ended."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"parser child ended: {reason}")
        self.reason: Reason = reason


class PoolClosed(Exception):
    """The pool was closed before or while the message was parsed."""


@dataclass(slots=True, eq=False)
class _Child:
    """One process, and what the pool knows about it."""

    process: "subprocess.Popen[bytes]"
    messages: int = 0
    deadline: float | None = None
    overdue: bool = False

    def talk(self, request: Request) -> Understood:
        """Send a request and read the answer; the watchdog bounds the time."""
        sink, source = self.process.stdin, self.process.stdout
        if sink is None or source is None:
            raise BrokenFrame("no pipes")
        sink.write(request_frame(request))
        if request.raw_path is None:
            sink.write(request.raw)
        sink.flush()
        return read_answer(source.read)

    def reason(self) -> Reason:
        """Kill what is left of the process and say why it ended."""
        if self.process.poll() is None:
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.process.wait()
        if self.overdue:
            return "wall"
        if code == -SIGXCPU:
            return "cpu"
        return "memory" if code == OUT_OF_MEMORY else "crash"

    def end(self) -> None:
        """Stop the process at once and let go of its pipes."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def worn(self, size: int) -> bool:
        """Tell whether the process should be replaced after a message of `size`."""
        if self.messages >= _MESSAGES_A_CHILD:
            return True
        return size > _LARGE and self._resident() > _RESIDENT_BYTES

    def _resident(self) -> int:
        try:
            text = Path(f"/proc/{self.process.pid}/statm").read_text()
        except OSError:
            return 0
        return int(text.split()[1]) * _PAGE


def _start() -> _Child:
    process = subprocess.Popen(  # noqa: S603 - our own program, no word from mail
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        close_fds=True,
    )
    for pipe in (process.stdin, process.stdout):
        _widen(pipe)
    return _Child(process)


def _widen(pipe: "IO[bytes] | None") -> None:
    """Let a large file pass in a few pieces instead of dozens; where it is allowed."""
    if pipe is not None and sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _LARGE)


class ParserPool:
    """Parser children behind one method; safe to call from several threads.

    `size` children; `wall_seconds` and `cpu_seconds` a message; `memory_bytes` of
    address space a child; at most `bytes_at_once` of raw mail in all children together
    (a larger message goes alone).
    """

    def __init__(
        self,
        size: int,
        *,
        wall_seconds: float = 30.0,
        cpu_seconds: int = 20,
        memory_bytes: int = 805_306_368,
        bytes_at_once: int = 73_400_320,
    ) -> None:
        self._wall = wall_seconds
        self._cpu = cpu_seconds
        self._memory = memory_bytes
        self._most_bytes = bytes_at_once
        self._lock = threading.Lock()
        # One condition a question: who waits for another is not woken for nothing.
        self._child_free = threading.Condition(self._lock)
        self._room_free = threading.Condition(self._lock)
        self._to_watch = threading.Condition(self._lock)
        self._bytes = 0
        self._closed = False
        self._unwatched = True
        # None is a place whose process could not be started; the next message tries.
        self._idle: list[_Child | None] = [_start() for _ in range(size)]
        self._busy: set[_Child] = set()
        self._watchdog = threading.Thread(target=self._watch, name="parser-watchdog")
        self._watchdog.start()

    def understand(self, request: Request) -> Understood:
        """Parse one message in a child.

        Raises ChildDied when the child did not survive it, PoolClosed after `close`,
        OSError when the machine has no room for a child.
        """
        size = len(request.raw)
        if request.raw_path is not None:
            size = Path(request.raw_path).stat().st_size
        bounded = replace(request, cpu_seconds=self._cpu, memory_bytes=self._memory)
        with self._room(size), self._checked_out(size) as child:
            return child.talk(bounded)

    def busy(self) -> int:
        """Return how many messages are being parsed now."""
        return len(self._busy)

    def close(self) -> None:
        """Stop every child; calls in progress raise PoolClosed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            children = [*filter(None, self._idle), *self._busy]
            self._idle.clear()
            for child in children:
                child.process.kill()
            for question in (self._child_free, self._room_free, self._to_watch):
                question.notify_all()
        for child in children:
            child.end()
        self._watchdog.join()

    @contextmanager
    def _room(self, size: int) -> Iterator[None]:
        """Wait until the message fits beside those that are being parsed."""
        with self._lock:
            while self._bytes and self._bytes + size > self._most_bytes:
                self._check_open()
                self._room_free.wait(1.0)
            self._bytes += size
        try:
            yield
        finally:
            with self._lock:
                self._bytes -= size
                self._room_free.notify_all()

    @contextmanager
    def _checked_out(self, size: int) -> Iterator[_Child]:
        child = self._take()
        try:
            yield child
        except (OSError, BrokenFrame, ValueError) as error:
            # ValueError: what came was no answer; pydantic's error is one.
            self._replace(child)
            reason = child.reason()
            child.end()
            self._check_open()
            raise ChildDied(reason) from error
        except BaseException:
            self._replace(child)
            child.end()
            raise
        child.messages += 1
        if child.worn(size):
            self._replace(child)
            child.end()
        else:
            self._put_back(child)

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosed("the parser pool is closed")

    def _take(self) -> _Child:
        with self._lock:
            self._check_open()
            while not self._idle:
                self._child_free.wait(1.0)
                self._check_open()
            # The last one in has its memory warm.
            child = self._idle.pop()
            if child and child.process.poll() is not None:
                # It died while nothing was asked of it: no message is to blame.
                child.end()
                child = None
            child = child or self._started()
            child.deadline = time.monotonic() + self._wall
            self._busy.add(child)
            # Where it waits for an end of time already, this one ends later.
            if self._unwatched:
                self._to_watch.notify()
        return child

    def _started(self) -> _Child:
        """Start a process; where there is no room for one its place stays, behind those
        that live."""
        try:
            return _start()
        except OSError:
            self._idle.insert(0, None)
            self._child_free.notify()
            raise

    def _put_back(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
            child.deadline = None
            if not self._closed:
                self._idle.append(child)
            self._child_free.notify()

    def _replace(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
            if not self._closed:
                with suppress(OSError):
                    self._idle.append(self._started())
            self._child_free.notify()

    def _watch(self) -> None:
        """Kill each child whose time is over, until the pool closes."""
        with self._lock:
            while not self._closed:
                now = time.monotonic()
                deadlines = []
                for child in self._busy:
                    if child.deadline is not None and child.deadline <= now:
                        child.overdue = True
                        child.process.kill()
                        child.deadline = None
                    elif child.deadline is not None:
                        deadlines.append(child.deadline)
                self._unwatched = not deadlines
                self._to_watch.wait(min(deadlines) - now if deadlines else None)
