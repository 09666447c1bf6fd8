"""The clock: pokes that ask the database what is due. It decides nothing and keeps
nothing; every deadline is a row, so a crash or three days of downtime lose none.

APScheduler's defaults drop a job that is a second late; here a late tick runs once.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from chamado.daemon.store.engine import trouble

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Something to ask the database every so many seconds."""

    name: str
    seconds: float
    ask: Callable[[], object]


class Clock:
    """The job `clock`."""

    def __init__(self, ticks: Sequence[Tick]) -> None:
        self._ticks = ticks

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Tick until `stop`."""
        scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": None,
            },
            timezone="UTC",
            daemon=False,
        )
        scheduler.add_listener(_complain, EVENT_JOB_ERROR)
        for tick in self._ticks:
            scheduler.add_job(tick.ask, "interval", seconds=tick.seconds, id=tick.name)
        scheduler.start()
        try:
            while not stop.is_set():
                beat()
                stop.wait(1.0)
        finally:
            scheduler.shutdown(wait=True)


def _complain(event: object) -> None:
    error = getattr(event, "exception", None)
    log.error(
        "tick_failed",
        tick=getattr(event, "job_id", ""),
        error=trouble(error) if error else "",
        exc_info=error,
    )
