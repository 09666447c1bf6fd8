"""What happens to mail when processing goes wrong."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from chamado.config.settings import Limits
from chamado.daemon import filing, process
from chamado.daemon.process import Processor, waves
from chamado.daemon.store import claims, inbox, schema
from chamado.daemon.store.engine import Store, Work
from chamado.parsers.pool import ParserPool
from tests.support.house import House, house, message

TIGHT = 134_217_728


def _numbered(count: int) -> list[bytes]:
    return [
        message(
            f"problema número {n}",
            sender=f"p{n}@c{n}.example",
            message_id=f"<{n}@c.example>",
        )
        for n in range(count)
    ]


def test_f13_a_message_that_kills_its_child_is_set_aside_after_three_strikes(
    store: Store, tmp_path: Path
) -> None:
    """F-13: the poison is failed with its raw bytes, its neighbours are filed."""
    limits = Limits(
        parsers=1, parse_memory_bytes=TIGHT, message_bytes=400_000_000, batch=10
    )
    tight = ParserPool(1, memory_bytes=TIGHT)
    poison = message() + b"x" * 150_000_000
    try:
        with house(store, tight, tmp_path, limits=limits) as home:
            ids = [home.take(raw) for raw in _numbered(3)]
            bad = home.take(poison)
            home.processor.process_all([*ids, bad])
            assert all(home.fate(i)["outcome"] == "ticket_opened" for i in ids)
            row = home.fate(bad)
            assert (row["state"], row["outcome"]) == ("failed", None)
            assert row["strikes"] == 3
            assert home.blobs.get(row["sha256"]) == poison
    finally:
        tight.close()
    roomy = ParserPool(1, memory_bytes=4_000_000_000)
    try:
        with house(store, roomy, tmp_path) as home:
            with store.write() as work:
                assert inbox.retry(work, [bad]) == [bad]
            home.processor.process_all([bad])
            assert home.fate(bad)["outcome"] == "ticket_opened"
    finally:
        roomy.close()


def test_a_bad_message_harms_only_itself(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a batch fails it is written one by one, and only the culprit rests."""
    ids = [home.take(raw) for raw in _numbered(5)]
    real = filing.file_batch

    def stumbling(work: object, items: list[filing.Item], desk: object) -> object:
        if any(item.row.id == ids[2] for item in items):
            raise ValueError("odd")
        return real(work, items, desk)  # type: ignore[arg-type]  # the seam's types

    monkeypatch.setattr(process, "file_batch", stumbling)
    good = [i for i in ids if i != ids[2]]
    home.processor.process_all(good)
    assert all(home.fate(i)["outcome"] == "ticket_opened" for i in good)
    assert home.fate(ids[2])["state"] == "received"
    assert home.fate(ids[2])["error"] == "ValueError while filing"


def test_f10_two_processors_make_each_case_once(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """F-21: with two at work on one database, every message has one entry."""
    with house(store, pool, tmp_path) as home:
        ids = [home.take(raw) for raw in _numbered(60)]
        ids += [home.take(raw, key=f"again {n}") for n, raw in enumerate(_numbered(20))]
        other = Processor(
            store,
            home.blobs,
            pool,
            lambda: home.desk,
            owner="elsewhere:1:x",
            host="elsewhere",
            limits=home.settings.limits,
        )
        thread = threading.Thread(target=other.process_all, args=(ids,))
        thread.start()
        home.processor.process_all(ids)
        thread.join()
        other.close()
        outcomes = [home.fate(i)["outcome"] for i in ids]
        assert outcomes.count("ticket_opened") == 60
        assert outcomes.count("duplicate") == 20
        assert len(home.rows(schema.entry)) == 60
        assert len(home.rows(schema.outbox)) == 60


def test_what_a_dead_process_had_claimed_is_taken_over_at_once(home: House) -> None:
    """The claims of a process of this host that is gone are not waited for."""
    id_ = home.take(message())
    host = home.processor._host
    with home.store.write() as work:
        claims.claim(work, f"{host}:4194305:dead", 10, home.clock())
    stop = threading.Event()

    def beat() -> None:
        if home.fate(id_)["state"] == "done":
            stop.set()

    home.processor.run(stop, beat)
    assert home.fate(id_)["outcome"] == "ticket_opened"
    assert home.fate(id_)["strikes"] == 0


def test_a_row_is_never_done_twice(home: House) -> None:
    """The second to finish a row is refused, and its transaction with it."""
    fate = home.mail(message())
    row = inbox.DoneRow(
        id=fate["id"],
        outcome="ticket_opened",
        message_id=None,
        from_address=None,
        subject="",
        kind="person",
        auth="none",
        body_hash=None,
        ticket=None,
        entry_id=None,
        ack=None,
        why={},
    )
    with pytest.raises(inbox.AlreadyDone), home.store.write() as work:
        inbox.finish(work, [row], home.clock())


def test_an_outcome_without_done_is_impossible(home: House) -> None:
    """One fate each is a constraint of the database, not a habit of the code."""
    from sqlalchemy.exc import IntegrityError

    id_ = home.take(message())
    with pytest.raises(IntegrityError), home.store.write() as work:
        work.execute(
            text("UPDATE inbox SET outcome = 'dropped' WHERE id = :id"), {"id": id_}
        )


def test_f30_a_damaged_raw_file_is_an_alarm_and_no_case(home: House) -> None:
    """F-30: bytes that are not what their name says are set aside."""
    id_ = home.take(message() + b"x" * 100_000)
    sha256 = home.fate(id_)["sha256"]
    path = home.blobs.checked_path(sha256)
    assert path is not None
    path.write_bytes(b"something else")
    home.processor.process_all([id_])
    row = home.fate(id_)
    assert row["state"] == "failed"
    assert "damaged" in row["error"]


def test_waves_part_what_depends_on_each_other(home: House) -> None:
    """Copies, replies and mails of one sender never share a wave; others do."""
    assert list(waves([], ())) == []


def test_a_message_the_database_cannot_take_holds_nobody_up(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one row does to a statement is that row's trouble, not the database's."""
    from sqlalchemy import text as sql

    ids = [home.take(raw) for raw in _numbered(3)]
    real = filing.file_batch

    def too_large(work: Work, items: list[filing.Item], desk: object) -> object:
        if any(item.row.id == ids[1] for item in items):
            if home.store.is_sqlite:
                raise ValueError("too large")
            work.execute(sql("SELECT pg_sleep(0.2)").execution_options())
            work.execute(sql("SET LOCAL statement_timeout = 1"))
            work.execute(sql("SELECT pg_sleep(5)"))
        return real(work, items, desk)  # type: ignore[arg-type]  # the seam's types

    monkeypatch.setattr(process, "file_batch", too_large)
    good = [ids[0], ids[2]]
    home.processor.process_all(good)
    assert all(home.fate(i)["outcome"] == "ticket_opened" for i in good)
    assert home.fate(ids[1])["claimed_by"] == "resting"
