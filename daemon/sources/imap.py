"""Mail from an IMAP mailbox (RFC 9051): one thread and one connection each.

The only importer of imapclient. It finds messages by UID, never by flag, date or
number; takes them without marking them; and moves, flags or counts them as read only
once they are on our stable storage. IDLE is a doorbell and nothing else: what the
server says in it is not even read. Whatever goes wrong costs the connection and some
waiting, never a message and never another mailbox.

It is longer than most, because no other module may name imapclient; what can be said
without it is in the modules beside it.
"""

import contextlib
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import structlog
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
    ProtocolError,
)

from chamado.config.settings import Mailbox
from chamado.daemon.sources import backoff, imap_login
from chamado.daemon.sources.imap_after import After, Flag, Keep, Move, after
from chamado.daemon.sources.imap_plan import Facts, Progress, arrival, windows
from chamado.daemon.sources.imap_protocol import Imap4
from chamado.daemon.sources.imap_sweep import DoorShut, Plan, Sweep
from chamado.daemon.sources.imap_watch import LeaseLost, Leave, Pace, Stopped, Watch
from chamado.daemon.sources.imap_wire import Wire, connected
from chamado.daemon.sources.imap_words import (
    Broken,
    Denied,
    MailboxTrouble,
    Refused,
    guarded,
    quoted,
    repeatable,
)
from chamado.daemon.sources.memory import give_back_big_blocks
from chamado.daemon.sources.source import Door, MailboxBook

log = structlog.get_logger()

_MIB = 1_048_576
_SEARCHABLE = 50_000
_LAST_UID = 4_294_967_295
_FACTS = ("RFC822.SIZE", "INTERNALDATE", "FLAGS")


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """IMAPClient over a conversation that stands already."""

    def __init__(self, imap: Imap4) -> None:
        self._standing = imap
        # A time-out of 0 makes the socket non-blocking, as our wire wants it.
        super().__init__(
            imap.host, imap.port, ssl=False, timeout=SocketTimeout(None, 0.0)
        )
        # imapclient turns on imaplib's tracing, which writes out every body that comes
        # before it looks whether anybody wants to read it: 10 ms a megabyte.
        imap.debug = 0

    def _create_IMAP4(self) -> Imap4:
        return self._standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A folder as it was when it was opened."""

    uidvalidity: int
    exists: int


class Connection:
    """One connection to one folder. Raises MailboxTrouble, and Leave from the watch."""

    def __init__(
        self,
        settings: Mailbox,
        *,
        secret: Callable[[], str],
        watch: Watch,
        pace: Pace,
        message_bytes: int,
    ) -> None:
        """Connect, go under TLS and log in; nothing stays open if that fails."""
        self._settings, self._watch, self._pace = settings, watch, pace
        self._moves = isinstance(after(settings.after, folder=""), Move)
        self._capabilities: frozenset[bytes] = frozenset()
        self._busy = True
        self._selected = Selected(uidvalidity=0, exists=0)
        shown = self._shown(secret)
        with self._speaking("connecting"):
            sock = connected(settings.host, settings.port, tick=watch.tick, pace=pace)
        most = 2 * message_bytes + 64 * _MIB
        self._wire = Wire(sock, tick=watch.tick, pace=pace, most=most)
        try:
            self._begin(2 * message_bytes + _MIB)
            self._log_in(shown)
            self._listens = settings.idle and self._can("IDLE")
        except BaseException:
            self._wire.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Say goodbye if the server listens; never ask it to expunge (CLOSE would)."""
        try:
            if not self._busy:
                self._wire.hurry(self._pace.parting)
                self._client.logout()
        except (OSError, IMAPClientError, Leave):
            log.debug("mailbox_no_goodbye", mailbox=self._settings.name)
        finally:
            self._wire.close()

    def select(self) -> Selected:
        """Open the folder anew: what it holds and means now, and nothing from before.

        A mailbox that is only read is opened for reading only, which also works
        where we may not write.
        """
        settings = self._settings
        with self._speaking(f"opening the folder {settings.folder!r}"):
            found = self._client.select_folder(
                settings.folder, readonly=settings.after == "keep"
            )
            # What the server tells of new messages from here on is news.
            self._imap.untagged_responses.pop("EXISTS", None)
        validity, exists = found.get(b"UIDVALIDITY"), found.get(b"EXISTS")
        if not isinstance(validity, int) or not isinstance(exists, int):
            raise Broken("the server gives no UIDVALIDITY; its UIDs mean nothing")
        self._selected = Selected(uidvalidity=validity, exists=exists)
        return self._selected

    @property
    def expunges(self) -> bool:
        """Whether moved messages leave: not where only a mailbox-wide EXPUNGE would."""
        return not self._moves or self._can("MOVE") or self._can("UIDPLUS")

    def uids(self, first: int) -> list[int]:
        """List the UIDs from `first` on; never more in one answer than fit a line."""
        exists = self._selected.exists
        if not exists or first > _LAST_UID:
            return []
        wanted = ["UID", f"{first}:*"]
        parts = [[w] for w in windows(exists)] if exists > _SEARCHABLE else [[]]
        uids: list[int] = []
        for part in parts:
            with self._speaking("listing messages"):
                uids += self._client.search(part + wanted)
        return uids

    def present(self, uids: Sequence[int]) -> set[int]:
        """Return those that are there."""
        with self._speaking("listing messages"):
            found = self._client.search(["UID", ",".join(map(str, uids))])
        return set(found) & set(uids)

    def facts(self, uids: Sequence[int]) -> dict[int, Facts]:
        """Return size, arrival and flags of those that are there."""
        with self._speaking("asking for sizes"):
            found = self._client.fetch(list(uids), _FACTS)
            now = datetime.now(UTC)
            return {
                uid: Facts(
                    uid=uid,
                    size=int(item[b"RFC822.SIZE"]),
                    received_at=arrival(item.get(b"INTERNALDATE"), now),
                    flags=frozenset(item.get(b"FLAGS") or ()),
                )
                for uid, item in found.items()
                if b"RFC822.SIZE" in item
            }

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return whole messages, leaving \\Seen as it is."""
        with self._speaking("fetching messages"):
            found = self._client.fetch(list(uids), ["BODY.PEEK[]"])
        # Some servers write an empty message as NIL.
        contents = {u: i[b"BODY[]"] or b"" for u, i in found.items() if b"BODY[]" in i}
        return {u: c for u, c in contents.items() if isinstance(c, bytes)}

    def act(self, after: After, uids: Sequence[int]) -> None:
        """Move or flag; a folder to move to is made when the first move fails."""
        match after:
            case Flag(flag=flag):
                with self._speaking(f"setting {flag}"):
                    self._client.add_flags(list(uids), [flag], silent=True)
            case Move(folder=folder):
                self._move(list(uids), folder)
            case Keep():
                pass

    def _move(self, uids: list[int], folder: str) -> None:
        """Move these and only these: what others marked as deleted is theirs."""
        atomic = self._can("MOVE")
        transfer = self._client.move if atomic else self._client.copy
        try:
            with self._speaking(f"moving to {folder!r}"):
                transfer(uids, folder)
        except Denied:
            self._make(folder)
            with self._speaking(f"moving to {folder!r}"):
                transfer(uids, folder)
        if atomic:
            return
        with self._speaking("removing what was copied"):
            self._client.add_flags(uids, ["\\Deleted"], silent=True)
            if self._can("UIDPLUS"):
                self._client.uid_expunge(uids)

    def _make(self, folder: str) -> None:
        """Make a folder if it is missing; whether that was the trouble shows then."""
        for step in (self._client.create_folder, self._client.subscribe_folder):
            with contextlib.suppress(Denied), self._speaking("making a folder"):
                step(folder)

    def wait(self, seconds: float) -> bool:
        """Wait so long and keep the connection alive; True once there is news."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._news() or self._listen(min(left, self._pace.awake)):
                return True
        return False

    def _news(self) -> bool:
        """Whether the server told of mail while it answered something else.

        It tells only once. But some tell how many messages there are with every
        answer, so only more than we know of is news.
        """
        told = self._imap.untagged_responses
        known = self._selected.exists - len(told.get("EXPUNGE", ()))
        counts = (many for many in told.get("EXISTS", ()) if isinstance(many, bytes))
        return any(many.isdigit() and int(many) > known for many in counts)

    def _listen(self, seconds: float) -> bool:
        """Wait by IDLE where that is wished and possible, else by the clock."""
        if self._listens:
            try:
                return self._idle(seconds)
            except Denied as error:
                log.warning(
                    "mailbox_idle_denied",
                    mailbox=self._settings.name,
                    error=str(error),
                )
                self._listens = False
                return False
        self._watch.pause(seconds)
        with self._speaking("asking for a sign of life"):
            self._imap.noop()
        return False

    def _idle(self, seconds: float) -> bool:
        with self._speaking("listening for new mail"):
            tag = self._imap.idle_begin()
            try:
                rang = self._news() or self._rings(seconds)
            except Stopped:
                self._wire.hurry(self._pace.parting)
                self._imap.idle_end(tag)
                self._busy = False
                raise
            self._imap.idle_end(tag)
            return rang

    def _rings(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._watch.check()
            if self._imap.rings(min(left, self._pace.slice)):
                return True
        return False

    def offers(self, capability: str) -> bool:
        """Whether the server says that it can do this (RFC 9051 §6.1.1)."""
        return self._can(capability)

    def _can(self, capability: str) -> bool:
        return capability.encode() in self._capabilities

    def _begin(self, literal: int) -> None:
        settings, wire = self._settings, self._wire
        if settings.tls == "none" and not wire.loopback:
            raise Broken('tls = "none" is for a server on this machine only')
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as error:
            why = f"{settings.ca_file} is no file of certificates"
            raise Broken(f"ca_file: {why} ({repeatable(error.strerror)})") from error
        with self._speaking("greeting"):
            if settings.tls == "implicit":
                wire.start_tls(context, settings.host)
            self._imap = Imap4(settings.host, settings.port, wire=wire, literal=literal)
            self._client = _Client(self._imap)
            # Whoever says that we are logged in already wants to keep us from TLS
            # or from showing who we are.
            if self._imap.state != "NONAUTH":
                raise Broken("the server skips the login (PREAUTH)")
            if settings.tls == "starttls":
                self._client.starttls(context)
            self._client.normalise_times = False

    def _shown(self, secret: Callable[[], str]) -> str:
        command = self._settings.token_command
        if command:
            return imap_login.token(command, tick=self._watch.tick, pace=self._pace)
        try:
            return secret()
        except Exception as error:  # noqa: BLE001  # read from wherever it is kept
            raise Broken(f"no password ({type(error).__name__})") from None

    def _log_in(self, secret: str) -> None:
        try:
            with self._speaking("login"):
                self._show(self._settings.user, secret)
                self._capabilities = frozenset(self._client.capabilities())
        except MailboxTrouble as error:
            # A server may have repeated what we sent, in whatever coating.
            traces = imap_login.traces(self._settings.user, secret)
            raise type(error)(repeatable(error, *traces)) from None

    def _show(self, user: str, secret: str) -> None:
        offered = self._client.capabilities()
        try:
            if self._settings.token_command:
                name = imap_login.mechanism(offered)
                self._client.sasl_login(name, imap_login.bearer(name, user, secret))
            elif b"AUTH=PLAIN" in offered:
                self._client.plain_login(user, secret)
            else:
                self._client.login(quoted(user), guarded(secret, "the password"))
        except LoginError as error:
            if isinstance(error.__context__, IMAPClientAbortError):
                raise error.__context__ from None
            raise imap_login.refusal(str(error)) from None
        except ValueError:
            raise Refused("the password cannot be sent by LOGIN") from None

    @contextlib.contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Do one thing with the server; its library's exceptions end here."""
        self._busy = True
        try:
            yield
        except (Leave, MailboxTrouble):
            raise
        except ssl.SSLCertVerificationError as error:
            why = f"{error.verify_message}; name its authority in ca_file"
            raise Broken(
                f"the certificate of the server is not trusted: {why}"
            ) from error
        except OSError as error:
            raise Broken(f"{what}: {repeatable(error.strerror or error)}") from error
        except (IMAPClientAbortError, ProtocolError) as error:
            raise Broken(f"{what}: {repeatable(error)}") from error
        except IMAPClientError as error:
            self._busy = False
            raise Denied(f"{what}: {repeatable(error)}") from error
        except Exception as error:
            kind = type(error).__name__
            raise Broken(f"{what}: the answer cannot be read ({kind})") from error
        self._busy = False


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
                if connection.wait(quiet):
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
        self._tell(connected=True, error=sweep.progress.alarm())
        if taken:
            log.info("mail_taken_in", mailbox=self._settings.name, messages=taken)
        due = sweep.progress.next_due() - time.monotonic()
        return taken, max(0.0, min(self._settings.poll_seconds, due))

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

    def _tell(self, *, connected: bool, error: str) -> None:
        """Note a change in the book and the log, once."""
        if self._told == (connected, error):
            return
        self._told = (connected, error)
        level = log.warning if error else log.info
        level(
            "mailbox_state",
            mailbox=self._settings.name,
            connected=connected,
            error=error,
        )
        try:
            self._book.report(self._settings.name, connected=connected, error=error)
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
