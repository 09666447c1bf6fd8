"""One connection to one folder of an IMAP mailbox (RFC 9051).

It finds messages by UID, never by flag, date or number; takes them without marking
them; and moves or flags only what it is told. IDLE is a doorbell and nothing else:
what the server says in it is not even read.
"""

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import structlog

from chamado.config.settings import Mailbox
from chamado.daemon.sources import imap_login
from chamado.daemon.sources.imap_after import After, Flag, Keep, Move, after
from chamado.daemon.sources.imap_client import Client, translated
from chamado.daemon.sources.imap_plan import Facts, arrival, windows
from chamado.daemon.sources.imap_protocol import Imap4
from chamado.daemon.sources.imap_watch import Leave, Pace, Stopped, Watch
from chamado.daemon.sources.imap_wire import Wire, connected
from chamado.daemon.sources.imap_words import Broken, Denied, MailboxTrouble, repeatable

log = structlog.get_logger()

_MIB = 1_048_576
_SEARCHABLE = 50_000
_LAST_UID = 4_294_967_295
_FACTS = ("RFC822.SIZE", "INTERNALDATE", "FLAGS")


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
        shown = imap_login.shown(
            settings.token_command, secret, tick=watch.tick, pace=pace
        )
        with self._speaking("connecting"):
            sock = connected(settings.host, settings.port, tick=watch.tick, pace=pace)
        most = 2 * message_bytes + 64 * _MIB
        self._wire = Wire(sock, tick=watch.tick, pace=pace, most=most)
        try:
            self._begin(2 * message_bytes + _MIB)
            self._log_in(shown)
            self._listens = settings.idle and self.offers("IDLE")
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
        except (OSError, Imap4.error, Leave):
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
        return not self._moves or self.offers("MOVE") or self.offers("UIDPLUS")

    def uids(self, first: int) -> list[int]:
        """List the UIDs from `first` on; never more in one answer than fit a line."""
        if first > _LAST_UID:
            return []
        return self._search("UID", f"{first}:*")

    def larger(self, octets: int) -> list[int]:
        """List the UIDs of messages that are larger than that, by the server's size."""
        return self._search("LARGER", str(octets))

    def _search(self, *wanted: str) -> list[int]:
        exists = self._selected.exists
        if not exists:
            return []
        parts = [[w] for w in windows(exists)] if exists > _SEARCHABLE else [[]]
        uids: list[int] = []
        for part in parts:
            with self._speaking("listing messages"):
                uids += self._client.search([*part, *wanted])
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
        atomic = self.offers("MOVE")
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
            if self.offers("UIDPLUS"):
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
            self._client = Client(self._imap)
            # Whoever says that we are logged in already wants to keep us from TLS
            # or from showing who we are.
            if self._imap.state != "NONAUTH":
                raise Broken("the server skips the login (PREAUTH)")
            if settings.tls == "starttls":
                self._client.starttls(context)
            self._client.normalise_times = False

    def _log_in(self, secret: str) -> None:
        try:
            with self._speaking("login"):
                by_token = bool(self._settings.token_command)
                self._client.show(self._settings.user, secret, by_token=by_token)
                self._capabilities = frozenset(self._client.capabilities())
        except MailboxTrouble as error:
            # A server may have repeated what we sent, in whatever coating.
            traces = imap_login.traces(self._settings.user, secret)
            raise type(error)(repeatable(error, *traces)) from None

    @contextlib.contextmanager
    def _speaking(self, what: str) -> Iterator[None]:
        """Do one thing with the server; only after an answer may more be said."""
        self._busy = True
        try:
            with translated(what):
                yield
        except Denied:
            self._busy = False
            raise
        self._busy = False
