"""The composition root: the only place that puts the parts of the daemon together.

It is longer than most, so that all that hangs together can be read in one place; what
the parts do is nowhere in it.
"""

import gc
import os
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import structlog

from chamado.config import derive
from chamado.config.files import file_errors
from chamado.config.load import load
from chamado.config.problems import ConfigError
from chamado.config.settings import Mailbox, Settings
from chamado.daemon import lost, ocr, parts
from chamado.daemon.accept import Acceptor
from chamado.daemon.chores import TICK_SECONDS, Chores
from chamado.daemon.clock import Clock, Tick
from chamado.daemon.deliver import Deliverer
from chamado.daemon.desk import Desk
from chamado.daemon.http.server import HttpServer
from chamado.daemon.http.survey import SurveyPages
from chamado.daemon.process import Processor
from chamado.daemon.sources.imap import ImapSource
from chamado.daemon.sources.smtp import SmtpSource
from chamado.daemon.sources.sockets import open_sockets
from chamado.daemon.store import mailboxes, upgrade, uptime
from chamado.daemon.store.engine import StoreError
from chamado.daemon.supervisor import Job, Supervisor
from chamado.daemon.surveys import Surveys
from chamado.daemon.systemd import Systemd, listen_fds, watchdog_seconds
from chamado.notifier.relay import open_relay

log = structlog.get_logger()

NAMES = ("smtp", "imap", "process", "deliver", "clock", "http")

#: The order of the stop: mail comes in at 0 and goes out at 2.
SOURCES, PROCESS, DELIVER, REST = range(4)


@dataclass(slots=True)
class Current:
    """The settings in force and the desk made of them; SIGHUP replaces both."""

    settings: Settings
    desk: Desk


class App:
    """One daemon, built but not started."""

    def __init__(
        self,
        settings: Settings,
        *,
        path: Path | None,
        only: Collection[str] = NAMES,
    ) -> None:
        self._path = path
        self._only = frozenset(only)
        self._me = parts.identity()
        self.store = parts.open_store(settings)
        self.store.check_durable()
        self._blobs = parts.open_blob_store(settings)
        self._started_with = settings
        self._now = Current(settings, parts.open_desk(settings, self.store))
        self._fds = listen_fds(os.environ)
        self.listening: list[str] = []
        self._acceptor: Acceptor | None = None
        self._processor: Processor | None = None
        self._deliverer: Deliverer | None = None
        self._smtp: SmtpSource | None = None
        self._closers: dict[int, list[Callable[[], None]]] = {
            stage: [] for stage in range(REST + 1)
        }
        self._ready_seen = (0.0, "not asked yet")
        self._surveys = Surveys(self.store, lambda: self._now.desk, self._poke_relay)
        self._chores = Chores(
            self.store, lambda: self._now.desk, self._surveys, self._poke_relay
        )
        try:
            jobs = self._jobs()
        except BaseException:
            # Whatever was built has threads, and a process with threads does not end.
            self._close()
            raise
        self.supervisor = Supervisor(
            jobs,
            systemd=Systemd(os.environ),
            watchdog_seconds=watchdog_seconds(os.environ),
            reload=self.reload,
            status=self.status,
            on_stage=self._close_stage,
        )

    def run(self, started: Callable[[], None]) -> int:
        """Run until told to stop; return the exit code."""
        # What is there now stays, and what a batch makes is mostly gone with the batch:
        # to look through all of it as often as Python does by default costs 3 %.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        # A thread that comes back from the database waits so long for one that
        # computes: with Python's 5 ms a batch of thirty statements mostly waits.
        sys.setswitchinterval(0.001)

        def begun() -> None:
            # The first tick is a while away, and `doctor` may ask before it.
            if "clock" in self._only:
                with suppress(StoreError):
                    self._heartbeat()
            started()

        try:
            return self.supervisor.run(begun)
        finally:
            self.store.close()

    def status(self) -> str:
        """One line for `systemctl status`."""
        running = ", ".join(job.name for job in self.supervisor.jobs)
        return self._alive() or f"running: {running}"

    def reload(self) -> str:
        """Read settings, certificates, templates again; keep the old ones if bad."""
        try:
            loaded = load(self._path, os.environ)
            if missing := file_errors(loaded.settings):
                raise ConfigError(missing)
            desk = parts.open_desk(loaded.settings, self.store)
            if self._smtp:
                self._smtp.reload_tls()
        except (ConfigError, StoreError, OSError, ValueError) as error:
            # Only our own words may be shown; a library's could hold a secret.
            why = str(error) if isinstance(error, ConfigError) else type(error).__name__
            log.error("reload_refused", why=why)
            return "reload refused, running on with the old settings; see the log"
        fixed = _needs_restart(self._started_with, loaded.settings)
        self._now = Current(loaded.settings, desk)
        log.info("reloaded", needs_restart=", ".join(fixed) or "nothing")
        return self.status()

    def _jobs(self) -> list[Job]:
        jobs: list[Job] = []
        settings = self._now.settings
        if "deliver" in self._only:
            jobs.append(self._deliver_job(settings))
        if "process" in self._only:
            jobs.append(self._process_job(settings))
            jobs += self._ocr_jobs(settings)
        jobs += self._source_jobs(settings)
        if "clock" in self._only:
            beat = Tick(name="heartbeat", seconds=TICK_SECONDS, ask=self._heartbeat)
            clock = Clock([*self._chores.ticks(), beat])
            jobs.append(Job(name="clock", run=clock.run, stage=DELIVER))
        if "http" in self._only and settings.http.listen:
            jobs.append(self._http_job(settings))
        return jobs

    def _deliver_job(self, settings: Settings) -> Job:
        relay = open_relay(
            settings.relay,
            settings.service.data_dir.absolute(),
            ehlo_name=settings.service.domain,
        )
        self._deliverer = Deliverer(
            self.store,
            relay,
            owner=self._me.owner,
            host=self._me.host,
            clock=parts.utc_now,
            on_sent=lambda work, sent: lost.arrived(
                work, sent, self._now.desk.promises
            ),
        )
        # The final dot may take a relay ten minutes (RFC 5321 §4.5.3.2.6).
        return Job(
            name="deliver", run=self._deliverer.run, stage=DELIVER, silence=720.0
        )

    def _process_job(self, settings: Settings) -> Job:
        pool = parts.open_pool(settings.limits)
        self._processor = Processor(
            self.store,
            self._blobs,
            pool,
            lambda: self._now.desk,
            owner=self._me.owner,
            host=self._me.host,
            limits=settings.limits,
            on_queued=self._poke_relay,
        )
        self._closers[PROCESS] += [self._processor.close, pool.close]
        return Job(name="process", run=self._processor.run, stage=PROCESS)

    def _ocr_jobs(self, settings: Settings) -> list[Job]:
        """Read screenshots where that is wanted and there is something to read with."""
        program = ocr.find(settings.ocr) if settings.ocr.enabled else None
        if program is None:
            if settings.ocr.enabled:
                log.warning("screenshots_not_read", why="tesseract is not installed")
            return []
        reader = ocr.ScreenshotReader(self.store, self._blobs, program, settings.ocr)
        return [Job(name="ocr", run=reader.run, stage=PROCESS)]

    def _source_jobs(self, settings: Settings) -> list[Job]:
        smtp = "smtp" in self._only and settings.listener
        imap = "imap" in self._only and settings.mailbox
        if not smtp and not imap:
            return []
        door = self._door(settings)
        jobs: list[Job] = []
        if smtp:
            self._smtp = self._listeners(settings)
            self.listening += [
                f"{b.source.partition(':')[0]} on {b.address}"
                for b in self._smtp.open()
            ]
            source = self._smtp
            jobs.append(
                Job(
                    name="smtp",
                    stage=SOURCES,
                    silence=30.0,
                    run=lambda stop, beat: source.run(door, stop, beat),
                )
            )
        if imap:
            jobs += [self._mailbox_job(settings, m, door) for m in settings.mailbox]
        return jobs

    def _door(self, settings: Settings) -> Acceptor:
        self._acceptor = Acceptor(
            self.store,
            self._blobs,
            data_dir=parts.data_dir(settings),
            raw_in_row_bytes=settings.limits.raw_in_row_bytes,
            disk_reserve_bytes=settings.limits.disk_reserve_bytes,
            clock=parts.utc_now,
            on_accepted=self._processor.poke if self._processor else lambda: None,
        )
        self._closers[SOURCES].append(self._acceptor.close)
        return self._acceptor

    def _listeners(self, settings: Settings) -> SmtpSource:
        return SmtpSource(
            listeners=settings.listener,
            known=lambda address: derive.known_recipient(self._now.settings)(address),
            message_bytes=settings.limits.message_bytes,
            hostname=settings.service.domain,
            inherited=self._fds,
        )

    def _mailbox_job(self, settings: Settings, mailbox: Mailbox, door: Acceptor) -> Job:
        source = ImapSource(
            settings=mailbox,
            secret=lambda: derive.password(mailbox) or "",
            book=mailboxes.Mailboxes(
                self.store, self._me.owner, self._me.host, parts.utc_now
            ),
            message_bytes=settings.limits.message_bytes,
            recipients=(derive.mailbox_address(settings, mailbox),),
        )
        return Job(
            name=source.name,
            stage=SOURCES,
            silence=180.0,
            run=lambda stop, beat: source.run(door, stop, beat),
        )

    def _http_job(self, settings: Settings) -> Job:
        opened = open_sockets(settings.http.listen, self._fds)
        self.listening += [f"http on {point.address}" for point in opened]
        sockets: list[socket] = [point.sock for point in opened]
        server = HttpServer(
            sockets,
            alive=self._alive,
            ready=self._ready,
            refresh=self._chores.show_gauges,
            pages=SurveyPages(self._surveys, lambda: self._now.settings).routes,
        )
        return Job(name="http", run=server.run, stage=REST, silence=30.0)

    def _poke_relay(self) -> None:
        if self._deliverer:
            self._deliverer.poke()

    def _heartbeat(self) -> None:
        """Let `doctor` on any host see that this process lives and what it does, and
        `report availability` whether it was well."""
        jobs = [job.name for job in self.supervisor.jobs]
        well = self._alive() is None and self._ready() is None
        owner, host, now = self._me.owner, self._me.host, parts.utc_now()
        with self.store.write() as work:
            mailboxes.heartbeat(work, owner, host, jobs, now)
            if well:
                uptime.note(work, owner, host, now)

    def _alive(self) -> str | None:
        silent = self.supervisor.silent_jobs()
        return f"not moving: {', '.join(silent)}" if silent else None

    def _ready(self) -> str | None:
        """What is wrong, looked up at most once a second whoever asks how often."""
        asked, wrong = self._ready_seen
        if time.monotonic() - asked > 1.0:
            wrong = self._unready() or ""
            self._ready_seen = (time.monotonic(), wrong)
        return wrong or None

    def _unready(self) -> str | None:
        if self._acceptor and (unwell := self._acceptor.unwell()):
            return unwell
        try:
            upgrade.check(self.store)
        except upgrade.UnknownSchema:
            return "the database has another schema"
        except StoreError:
            return "the database does not answer"
        return None

    def _close(self) -> None:
        for stage in self._closers:
            self._close_stage(stage)
        self.store.close()

    def _close_stage(self, stage: int) -> None:
        for close in self._closers[stage]:
            close()


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    """Name what is in force as it was at the start, until there is a new one."""
    fixed = (
        "service",
        "database",
        "blobs",
        "listener",
        "mailbox",
        "relay",
        "http",
        "limits",
        "ocr",
        "log",
    )
    return [name for name in fixed if getattr(old, name) != getattr(new, name)]
