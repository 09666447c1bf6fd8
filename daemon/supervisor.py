"""Threads, signals and the watchdog.

Each job runs in a thread of its own and beats while it moves. A job that ends by an
unexpected exception is started again a few times; then the process gives up, and the
service manager starts it afresh. The stop follows the flow of mail: what is at the door
is finished before the door's store closes, what is decided before the relay closes.
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog

from chamado.daemon.systemd import Systemd

log = structlog.get_logger()

RESTARTS = 5
RESTART_WINDOW_SECONDS = 600.0
RESTART_PAUSE_SECONDS = 1.0
EX_SOFTWARE = 70

Run = Callable[[threading.Event, Callable[[], None]], None]


@dataclass(slots=True, kw_only=True)
class Job:
    """A thread's work. `stage` orders the stop; `silence` is how many seconds without
    a beat mean that it hangs."""

    name: str
    run: Run
    stage: int
    silence: float = 90.0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    beaten_at: float = 0.0
    crashes: list[float] = field(default_factory=list)

    def beat(self) -> None:
        """Say that the work moves."""
        self.beaten_at = time.monotonic()

    def silent(self) -> bool:
        """Whether the job has not moved for too long."""
        return time.monotonic() - self.beaten_at > self.silence


class Supervisor:
    """Runs the jobs until a signal, or until one of them cannot be kept alive."""

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        systemd: Systemd,
        watchdog_seconds: float | None,
        reload: Callable[[], str],
        status: Callable[[], str],
        on_stage: Callable[[int], None] = lambda stage: None,
    ) -> None:
        self.jobs = jobs
        self._systemd = systemd
        self._watchdog = watchdog_seconds
        self._reload = reload
        self._status = status
        self._on_stage = on_stage
        self._wake = threading.Event()
        self._stopping = False
        self._hangup = False
        self._broken = False

    def run(self, started: Callable[[], None]) -> int:
        """Start everything, call `started`, wait for the end; return the exit code."""
        self._listen_to_signals()
        try:
            for job in self.jobs:
                self._start(job)
            started()
            self._systemd.ready(self._status())
            self._watch()
        finally:
            # Also when this thread fails: the others would run on without a guard.
            self._systemd.stopping()
            self._end()
        return EX_SOFTWARE if self._broken else 0

    def _watch(self) -> None:
        pause = min(self._watchdog / 3, 10.0) if self._watchdog else 10.0
        while not self._stopping and not self._broken:
            self._wake.wait(pause)
            self._wake.clear()
            if self._hangup:
                self._hangup = False
                self._systemd.reloading()
                self._systemd.ready(self._reload())
            self._feed_watchdog()

    def silent_jobs(self) -> list[str]:
        """Names of the jobs that do not move."""
        return [job.name for job in self.jobs if job.silent()]

    def stop(self) -> None:
        """Ask for the end, as SIGTERM does."""
        self._stopping = True
        self._wake.set()

    def _listen_to_signals(self) -> None:
        # A handler only sets a flag: it may run between any two instructions.
        def on_term(number: int, _frame: FrameType | None) -> None:
            if self._stopping:
                # A second one: the operator is impatient, and every step is safe to
                # be cut.
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            self.stop()

        def on_hangup(_number: int, _frame: FrameType | None) -> None:
            self._hangup = True
            self._wake.set()

        signal.signal(signal.SIGTERM, on_term)
        signal.signal(signal.SIGINT, on_term)
        signal.signal(signal.SIGHUP, on_hangup)

    def _start(self, job: Job) -> None:
        job.beat()
        thread = threading.Thread(target=self._keep, args=(job,), name=job.name)
        thread.start()
        job.thread = thread

    def _keep(self, job: Job) -> None:
        while True:
            try:
                job.run(job.stop, job.beat)
            except Exception:
                # The edge of the thread: whatever it was, it is told and tried again.
                log.exception("job_crashed", job=job.name)
                if self._too_often(job):
                    log.critical("job_given_up", job=job.name)
                    self._broken = True
                    self._wake.set()
                    return
                job.stop.wait(RESTART_PAUSE_SECONDS)
            if job.stop.is_set():
                return
            job.beat()

    def _too_often(self, job: Job) -> bool:
        now = time.monotonic()
        job.crashes = [t for t in job.crashes if now - t < RESTART_WINDOW_SECONDS]
        job.crashes.append(now)
        return len(job.crashes) > RESTARTS

    def _feed_watchdog(self) -> None:
        silent = self.silent_jobs()
        if silent:
            log.error("jobs_silent", jobs=", ".join(silent))
        else:
            self._systemd.alive()
        self._systemd.status(self._status())

    def _end(self) -> None:
        for stage in sorted({job.stage for job in self.jobs}):
            group = [job for job in self.jobs if job.stage == stage]
            for job in group:
                job.stop.set()
            for job in group:
                if job.thread:
                    job.thread.join()
            self._on_stage(stage)
            log.info("stopped", jobs=", ".join(job.name for job in group))
