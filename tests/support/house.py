"""Chamado without sources and without time of its own, for tests of the verbs.

Everything is real but two seams: the clock stands where the test put it, and the relay
records what it was given and answers what the test told it to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Table, select

from chamado.config.settings import Agent, Service, Settings, SupportAddress
from chamado.daemon import lost, parts
from chamado.daemon.accept import Acceptor
from chamado.daemon.deliver import Deliverer
from chamado.daemon.desk import Desk
from chamado.daemon.process import Processor
from chamado.daemon.sources.source import RawMessage
from chamado.daemon.store import inbox, outbox, schema
from chamado.daemon.store.blobs import Blobs
from chamado.daemon.store.engine import Store
from chamado.notifier.types import Fate, Letter, Outcome
from chamado.parsers.pool import ParserPool
from chamado.parsers.types import Envelope

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SUPPORT = "suporte@acme.example"
SENT = Outcome(fate=Fate.SENT, reply="250 2.0.0 ok")


@dataclass
class StandingClock:
    """Tells the time it was set to."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass, in the words of timedelta."""
        self.now += timedelta(**by)


@dataclass
class RecordingRelay:
    """Keeps every letter and answers in the order it was told."""

    answers: list[Outcome] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    closed: bool = False

    def send(self, letter: Letter) -> Outcome:
        """Record, and answer what is next."""
        self.letters.append(letter)
        return self.answers.pop(0) if self.answers else SENT

    def holds(self, letter: Letter) -> bool:
        """Prove nothing."""
        return False

    def close(self) -> None:
        """Note the end."""
        self.closed = True


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Settings of a small company, its data below `folder`."""
    base = {
        "service": Service(
            name="Acme Suporte", domain="acme.example", data_dir=folder / "data"
        ),
        "address": (
            SupportAddress(address=SUPPORT, subaddress=True),
            SupportAddress(address="vendas@acme.example", team="sales"),
        ),
        "agent": (Agent(address="bia@acme.example", name="Bia"),),
    }
    return Settings(**(base | changes))


@dataclass
class House:
    """The verbs over one database."""

    settings: Settings
    store: Store
    blobs: Blobs
    desk: Desk
    clock: StandingClock
    door: Acceptor
    processor: Processor
    relay: RecordingRelay
    deliverer: Deliverer

    def take(
        self,
        content: bytes,
        *,
        mail_from: str | None = "ana@example.com",
        rcpt: str = SUPPORT,
        source: str = "file",
        key: str = "",
        at: datetime | None = None,
        no_ack: bool = False,
    ) -> int:
        """Accept a message; return its inbox id."""
        raw = RawMessage(
            content=content,
            envelope=Envelope(
                mail_from=mail_from, rcpt_tos=(rcpt,), received_at=at or self.clock()
            ),
            source=source,
            source_key=key or f"{source}:{sha256(content).hexdigest()}:{rcpt}",
            no_ack=no_ack,
        )
        return self.door.accept(raw).result(30).inbox_id

    def mail(self, content: bytes, **how: Any) -> dict[str, Any]:
        """Accept and process a message; return its fate."""
        id_ = self.take(content, **how)
        self.process(id_)
        return self.fate(id_)

    def process(self, *ids: int) -> None:
        """Work until these rows have their fate; a failure to file fails the test.

        Time stands still here, so a row that was put off would wait for ever.
        """
        while True:
            filed = self.processor.turn()
            rows = [self.fate(id_) for id_ in ids]
            put_off = [row["error"] for row in rows if row["claimed_by"] == "resting"]
            assert not put_off, put_off
            if not filed and all(row["state"] != "received" for row in rows):
                return

    def fate(self, id_: int) -> dict[str, Any]:
        """What the ledger says of a message."""
        return next(row for row in self.rows(schema.inbox) if row["id"] == id_)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Everything in a table, oldest first."""
        first = next(iter(table.primary_key.columns))
        with self.store.read() as work:
            found = work.execute(select(table).order_by(first))
            return [dict(row) for row in found.mappings()]

    def deliver(self) -> int:
        """Send everything that is due; return how many letters were tried."""
        tried = total = self.deliverer.turn(Event())
        while tried:
            tried = self.deliverer.turn(Event())
            total += tried
        return total

    def ledger(self) -> dict[tuple[str, str | None], int]:
        """Rows by state and outcome."""
        with self.store.read() as work:
            return inbox.ledger(work)

    def letters(self) -> dict[str, int]:
        """Letters by state."""
        with self.store.read() as work:
            return outbox.depth(work)


@contextmanager
def house(
    store: Store, pool: ParserPool, folder: Path, **changes: Any
) -> Iterator[House]:
    """Build a house over a store, and take it down."""
    settings = settings_for(folder, **changes)
    clock, relay = StandingClock(), RecordingRelay()
    blobs = parts.open_blob_store(settings)
    desk = parts.open_desk(settings, store, clock)
    me = parts.identity()
    door = Acceptor(
        store,
        blobs,
        data_dir=parts.data_dir(settings),
        raw_in_row_bytes=settings.limits.raw_in_row_bytes,
        disk_reserve_bytes=0,
        clock=clock,
        on_accepted=lambda: None,
    )
    processor = Processor(
        store,
        blobs,
        pool,
        lambda: desk,
        owner=me.owner,
        host=me.host,
        limits=settings.limits,
    )
    deliverer = Deliverer(
        store,
        relay,
        owner=me.owner,
        host=me.host,
        clock=clock,
        on_sent=lambda work, sent: lost.arrived(work, sent, desk.promises),
    )
    try:
        yield House(
            settings, store, blobs, desk, clock, door, processor, relay, deliverer
        )
    finally:
        door.close()
        processor.close()


def message(
    text: str = "A tela fica azul quando clico em enviar.",
    *,
    sender: str = "Ana <ana@example.com>",
    to: str = SUPPORT,
    subject: str = "Tela azul",
    message_id: str = "<m1@example.com>",
    **headers: str,
) -> bytes:
    """A plain message as a mail program writes it, with CRLF line ends."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Date"] = "Wed, 25 Nov 2026 11:59:00 +0000"
    if message_id:
        made["Message-ID"] = message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return bytes(made).replace(b"\n", b"\r\n")
