"""Mail from an IMAP mailbox (RFC 9051): one thread and one connection each.

It moves, flags or counts messages as read only once they are on our stable storage.
Whatever goes wrong costs the connection and some waiting, never a message and never
another mailbox.
"""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable

import structlog

from chamado.config.settings import Mailbox
from chamado.daemon.sources import backoff
from chamado.daemon.sources.imap_after import Move, after
from chamado.daemon.sources.imap_connection import Connection
from chamado.daemon.sources.imap_plan import Progress
from chamado.daemon.sources.imap_sweep import DoorShut, Plan, Sweep
from chamado.daemon.sources.imap_watch import LeaseLost, Pace, Stopped, Watch
from chamado.daemon.sources.imap_words import MailboxTrouble, Refused, guarded
from chamado.daemon.sources.memory import give_back_big_blocks
from chamado.daemon.sources.source import Door, MailboxBook

log = structlog.get_logger()


class ImapSource:
    """Watches one mailbox for ever; see `Source`."""

    def __init__(
        self,
        *,
        settings: Mailbox,
        secret: Callable[[], str],
        book: MailboxBook,
        message_bytes: int,
        recipients: tuple[str, ...],
        pace: Pace | None = None,
    ) -> None:
        """Take what holds for the whole run; raises ValueError for unusable settings.

        `secret` is called at each login, so that a rotated password is found.
        `message_bytes` is the largest message taken, `recipients` are the addresses
        that mail in this mailbox counts as sent to.
        """
        guarded(settings.user, "the user of a mailbox")
        self.name = f"imap:{settings.name}"
        self._settings, self._secret, self._book = settings, secret, book
        self._pace = pace or Pace()
        self._plan = Plan(
            mailbox=settings.name,
            source=self.name,
            folder=guarded(settings.folder, "the folder of a mailbox"),
            after=after(settings.after, folder=settings.folder),
            recipients=recipients,
            message_bytes=message_bytes,
        )
        self._progress: Progress | None = None
        self._connected_at = 0.0
        self._told: tuple[bool, str] | None = None
        self._next_note = 0.0
        self._connections = backoff.for_connections(self._pace.retry)
        self._logins = backoff.for_logins(self._pace.login_retry)
        self._doors = backoff.for_doors(self._pace.retry)

    def run(self, door: Door, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Take mail until `stop` is set; never raises for a server's sake."""
        give_back_big_blocks()
        watch = Watch(
            mailbox=self._settings.name,
            book=self._book,
            stop=stop,
            beat=beat,
            pace=self._pace,
        )
        with contextlib.suppress(Stopped):
            while True:
                watch.check()
                self._attempt(door, watch)
        if self._told:
            self._tell(connected=False, error="")
        self._give_back(watch)

    def _attempt(self, door: Door, watch: Watch) -> None:
        """Work the mailbox until something is wrong; wait as long as that deserves."""
        try:
            if watch.take():
                self._work(door, watch)
            self._told = None
            wait = self._pace.lease_retry
        except Stopped:
            raise
        except LeaseLost:
            log.info("mailbox_lease_lost", mailbox=self._settings.name)
            # What the book says from now on is the other instance's word.
            self._told = None
            wait = self._pace.lease_retry
        except Refused as error:
            # The lease stays ours: two instances would try twice as often.
            self._tell(connected=False, error=str(error))
            wait = self._logins.next()
        except MailboxTrouble as error:
            self._tell(connected=False, error=str(error))
            self._give_back(watch)
            wait = self._connections.next()
        except Exception as error:  # noqa: BLE001  # the edge of the loop
            self._tell(connected=False, error=f"inner error ({type(error).__name__})")
            log.error("mailbox_inner_error", mailbox=self._settings.name, at=_at(error))
            self._give_back(watch)
            wait = self._connections.next()
        watch.pause(wait)

    def _work(self, door: Door, watch: Watch) -> None:
        with Connection(
            self._settings,
            secret=self._secret,
            watch=watch,
            pace=self._pace,
            message_bytes=self._plan.message_bytes,
        ) as connection:
            self._logins.reset()
            self._connected_at = time.monotonic()
            sweep: Sweep | None = None
            gather = self._pace.gather
            while True:
                watch.check()
                sweep = self._opened(connection, sweep, door, watch)
                taken, quiet = self._pass(sweep, watch)
                listening = time.monotonic()
                if self._rung(connection, sweep, quiet):
                    # A server that rings at once and for nothing, each time, must not
                    # keep two machines busy; mail is still noticed in two seconds.
                    idle = not taken and time.monotonic() - listening < 1
                    gather = min(1.0, 2 * gather) if idle else self._pace.gather
                    watch.pause(gather)

    def _opened(
        self, connection: Connection, sweep: Sweep | None, door: Door, watch: Watch
    ) -> Sweep:
        """Open the folder anew; its UIDs may mean something else than before."""
        selected = connection.select()
        if sweep and sweep.uidvalidity == selected.uidvalidity:
            return sweep
        return Sweep(
            plan=self._plan,
            folder=connection,
            progress=self._resume(selected.uidvalidity),
            door=door,
            book=self._book,
            watch=watch,
            pace=self._pace,
        )

    def _pass(self, sweep: Sweep, watch: Watch) -> tuple[int, float]:
        """Make one pass; return what it took in and how long nothing is due."""
        try:
            taken = sweep.run()
        except DoorShut as error:
            self._tell(connected=True, error=str(error))
            watch.pause(self._doors.next())
            return 0, 0.0
        self._doors.reset()
        if time.monotonic() - self._connected_at >= self._pace.steady:
            self._connections.reset()
        self._tell(connected=True, error=sweep.progress.alarm(), read=True)
        if taken:
            log.info("mail_taken_in", mailbox=self._settings.name, messages=taken)
        due = sweep.progress.next_due() - time.monotonic()
        return taken, max(0.0, min(self._settings.poll_seconds, due))

    def _rung(self, connection: Connection, sweep: Sweep, seconds: float) -> bool:
        """Wait for news so long; whenever the server has answered, that is success."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if connection.wait(min(left, self._pace.awake)):
                return True
            self._tell(connected=True, error=sweep.progress.alarm(), read=True)
        return False

    def _resume(self, uidvalidity: int) -> Progress:
        """Go on where the book says we were, if it speaks of this very folder."""
        state = self._book.load(self._settings.name)
        last_uid = 0
        if state and state.uidvalidity == uidvalidity:
            # The book does not name the folder, the ledger does.
            key = self._plan.key(uidvalidity, state.last_uid)
            last_uid = state.last_uid if self._book.accepted([key]) else 0
        elif state:
            log.warning(
                "mailbox_uidvalidity_changed",
                mailbox=self._settings.name,
                before=state.uidvalidity,
                now=uidvalidity,
            )
        if self._progress is None or self._progress.uidvalidity != uidvalidity:
            self._progress = Progress(uidvalidity)
        whole = isinstance(self._plan.after, Move)
        self._progress.restart(last_uid, whole=whole)
        return self._progress

    def _tell(self, *, connected: bool, error: str, read: bool = False) -> None:
        """Note a change in the book and the log, once; success now and then again."""
        changed = self._told != (connected, error)
        if not changed and not (read and time.monotonic() >= self._next_note):
            return
        self._told = (connected, error)
        self._next_note = time.monotonic() + self._pace.note
        if changed:
            level = log.warning if error else log.info
            level(
                "mailbox_state",
                mailbox=self._settings.name,
                connected=connected,
                error=error,
            )
        try:
            self._book.report(
                self._settings.name, connected=connected, error=error, read=read
            )
        except Exception as failure:  # noqa: BLE001  # a report must not cost a mailbox
            self._told = None
            log.error(
                "mailbox_not_reported", mailbox=self._settings.name, at=_at(failure)
            )

    def _give_back(self, watch: Watch) -> None:
        try:
            watch.release()
        except Exception as failure:  # noqa: BLE001  # the lease runs out by itself
            log.error(
                "mailbox_lease_kept", mailbox=self._settings.name, at=_at(failure)
            )


def _at(error: BaseException) -> str:
    """Say what and where, without the words: they may hold what no log should."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
