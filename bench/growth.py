"""What a ticket costs when the database holds a day's, and when it holds years' worth.

The database is filled set-wise through the functions of the store, with senders and
dates spread over a year; then the mix is accepted, understood and filed in this
process.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench import places
from bench.client import SUPPORT
from bench.corpus import Mail, mixed
from bench.effort import Effort
from bench.multiply import multiply
from bench.table import Section, figure
from chamado.config.address import Address
from chamado.config.settings import Ack, Database, Service, Settings, SupportAddress
from chamado.daemon import parts
from chamado.daemon.accept import Acceptor
from chamado.daemon.core.types import Channel, Impact, Priority, Severity
from chamado.daemon.desk import Desk
from chamado.daemon.process import Processor
from chamado.daemon.sources.source import RawMessage
from chamado.daemon.store import cases, inbox, outbox
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from chamado.parsers.types import Envelope

CHUNK = 1_000
#: A database of so many tickets is copied within itself instead of being filled.
COPIED_FROM = 100_000
WORDS = "não consigo acessar o sistema desde ontem, a tela fica em branco. " * 8


def settings_for(folder: Path, url: str) -> Settings:
    """Settings with caps that no run reaches."""
    return Settings(
        service=Service(data_dir=folder, domain="acme.example"),
        address=(SupportAddress(address=SUPPORT, subaddress=True),),
        database=Database(url=url),
        ack=Ack(
            per_hour=10**9,
            per_domain_hour=10**9,
            loop_burst=10**9,
            loop_day=10**9,
            loop_same_body=10**9,
        ),
    )


def grow(store: Store, desk: Desk, held: int, size: int) -> None:
    """Let a database that holds so many tickets hold `size`."""
    if held >= COPIED_FROM and size % held == 0:
        multiply(store, size // held - 1)
    else:
        fill(store, desk, held, size - held)


def fill(store: Store, desk: Desk, begin: int, count: int) -> None:
    """Add so many finished tickets, each with its mail and its acknowledgement."""
    for start in range(begin, begin + count, CHUNK):
        _chunk(store, desk, range(start, min(start + CHUNK, begin + count)))
    with store.write() as work:
        work.execute(text("UPDATE outbox SET state = 'sent', next_attempt_at = NULL"))
        work.execute(text("ANALYZE"))


def _chunk(store: Store, desk: Desk, numbers: range) -> None:
    now = datetime.now(UTC) - timedelta(days=1)
    at = {n: now - timedelta(seconds=n * 300 % 31_536_000) for n in numbers}
    people = {n: Address(address=f"ana{n}@firma{n % 9_973}.example") for n in numbers}
    with store.write() as work:
        rows = inbox.accept(work, [_row(n, people[n], at[n]) for n in numbers], now)
        ids = cases.ensure_contacts(work, [(p, False) for p in people.values()], now)
        new = [_ticket(n, ids[people[n].address], at[n]) for n in numbers]
        tickets = cases.open_tickets(work, new, now, desk.promises)
        said = [
            _entry(n, ticket, people[n], at[n], rows[f"grown:{n}"][0])
            for n, ticket in zip(numbers, tickets, strict=True)
        ]
        cases.add_entries(work, said, now)
        outbox.put(
            work,
            [_letter(n, t, people[n]) for n, t in zip(numbers, tickets, strict=True)],
            now,
        )
        inbox.finish(
            work,
            [
                _done(n, t, people[n], rows[f"grown:{n}"][0])
                for n, t in zip(numbers, tickets, strict=True)
            ],
            now,
        )


def _row(n: int, who: Address, at: datetime) -> inbox.NewRow:
    digest = sha256(str(n).encode()).hexdigest()
    return inbox.NewRow(
        source="file",
        source_key=f"grown:{n}",
        envelope=Envelope(mail_from=who.address, rcpt_tos=(SUPPORT,), received_at=at),
        no_ack=False,
        size=2_000,
        sha256=digest,
        content_digest=digest,
        raw=b"x" * 2_000,
    )


def _ticket(n: int, contact: int, at: datetime) -> cases.NewTicket:
    return cases.NewTicket(
        requester_id=contact,
        subject=f"Problema {n}",
        language="pt-BR",
        team="support",
        address=SUPPORT,
        channel=Channel.EMAIL,
        severity=Severity.NORMAL,
        impact=Impact.MEDIUM,
        priority=Priority.P3,
        opened_at=at,
    )


def _entry(
    n: int, ticket: int, who: Address, at: datetime, inbox_id: int
) -> cases.NewEntry:
    return cases.NewEntry(
        ticket=ticket,
        kind="inbound",
        at=at,
        public=True,
        author=who,
        role="customer",
        subject=f"Problema {n}",
        text=WORDS,
        reply=WORDS,
        message_id=f"grown.{n}@firma.example",
        inbox_id=inbox_id,
        content_digest=sha256(str(n).encode()).hexdigest(),
    )


def _letter(n: int, ticket: int, who: Address) -> outbox.NewLetter:
    return outbox.NewLetter(
        kind="ack",
        ticket=ticket,
        entry_id=None,
        dedupe_key=f"ack:{ticket}",
        mail_from="",
        rcpt_to=who.address,
        message_id=f"ack.{ticket}.grown@acme.example",
        subject=f"Problema {n}",
        content=b"x" * 3_000,
        at_most_once=True,
    )


def _done(n: int, ticket: int, who: Address, inbox_id: int) -> inbox.DoneRow:
    return inbox.DoneRow(
        id=inbox_id,
        outcome="ticket_opened",
        message_id=f"grown.{n}@firma.example",
        from_address=who.address,
        subject=f"Problema {n}",
        kind="person",
        auth="none",
        body_hash=sha256(WORDS.encode()).hexdigest(),
        ticket=ticket,
        entry_id=None,
        ack="queued",
        why={"decision": "grown"},
    )


@contextmanager
def _verbs(
    settings: Settings, store: Store, desk: Desk
) -> Iterator[tuple[Acceptor, Processor]]:
    blobs, me = parts.open_blob_store(settings), parts.identity()
    pool: ParserPool = parts.open_pool(settings.limits)
    door = Acceptor(
        store,
        blobs,
        data_dir=parts.data_dir(settings),
        raw_in_row_bytes=settings.limits.raw_in_row_bytes,
        disk_reserve_bytes=0,
        clock=parts.utc_now,
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
    try:
        yield door, processor
    finally:
        door.close()
        processor.close()
        pool.close()


def _file(
    door: Acceptor, processor: Processor, mails: list[Mail]
) -> tuple[float, float]:
    """Elapsed and processor ms a mail, from the door to the ticket."""
    begin, cpu = time.perf_counter(), time.process_time()
    futures = [door.accept(_raw(mail)) for mail in mails]
    processor.process_all([future.result().inbox_id for future in futures])
    spent = time.perf_counter() - begin, time.process_time() - cpu
    return spent[0] * 1_000 / len(mails), spent[1] * 1_000 / len(mails)


def _raw(mail: Mail) -> RawMessage:
    return RawMessage(
        content=mail.content,
        envelope=Envelope(
            mail_from=mail.sender,
            rcpt_tos=(SUPPORT,),
            received_at=parts.utc_now(),
        ),
        source="file",
        source_key=f"file:{sha256(mail.content).hexdigest()}",
    )


def costs(
    kind: str, folder: Path, sizes: tuple[int, ...], mails: int, rounds: int
) -> list[tuple[float, float]]:
    """Elapsed and processor ms a mail at each size: the best of some rounds."""
    found: list[tuple[float, float]] = []
    with (
        TemporaryDirectory(dir=folder) as place,
        places.database(kind, folder) as url,
    ):
        settings = settings_for(Path(place), url)
        store = parts.open_store(settings)
        desk = parts.open_desk(settings, store)
        held, seed = 0, 1
        with _verbs(settings, store, desk) as (door, processor):
            _file(door, processor, mixed(20, seed=99, big=False))
            for size in sizes:
                grow(store, desk, held, size)
                held, taken = size, []
                for _ in range(rounds):
                    seed += 1
                    batch = mixed(mails, seed=seed, big=False)
                    taken.append(_file(door, processor, batch))
                found.append(min(taken))
        store.close()
    return found


def growth(effort: Effort, folder: Path) -> Section:
    """Measure on each database."""
    rows: list[tuple[str, ...]] = []
    for kind in places.kinds():
        found = costs(kind, folder, effort.grown, effort.grown_mails, effort.rounds)
        for size, spent in zip(effort.grown, found, strict=True):
            change = figure(spent[0] / found[0][0], "×")
            rows.append((kind, f"{size:,}", *map(figure, spent), change))
    return Section(
        title="Growth",
        how=(
            f"From the door to the ticket, with so many tickets in the database "
            f"already: ms a mail that went by, database and parsers included, and of "
            f"the processor in our own process; {effort.grown_mails} mails without "
            f"large ones, best of {effort.rounds}."
        ),
        columns=("database", "tickets", "ms/mail", "CPU ms/mail", "of the empty one"),
        rows=tuple(rows),
    )
