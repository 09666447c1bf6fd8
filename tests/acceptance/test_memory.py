"""Memory stays flat through a backlog, and big mail is not paid for many times."""

import base64
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bench import corpus
from chamado.daemon.accept import row_of
from chamado.daemon.sources.source import RawMessage
from chamado.daemon.store import inbox, schema
from chamado.daemon.store.engine import Store
from chamado.parsers.types import Envelope
from tests.support.crash import EXHAUSTIVE, PATIENT
from tests.support.daemon import SUPPORT, Daemon, wait_until, write_config
from tests.support.dovecot import Dovecot, installed
from tests.support.house import message
from tests.support.memory import MEBIBYTE, Watched, children, resident

BACKLOG, EARLY = (10_000, 2_000) if EXHAUSTIVE else (2_000, 700)
#: What the caches of the database may still take when the early part is through.
CACHES = 40.0
MOST = 250.0
SIZE = 25


@contextmanager
def _opened(url: str) -> Iterator[Store]:
    store = Store(url)
    try:
        yield store
    finally:
        store.close()


def _done(store: Store) -> int:
    with store.read() as work:
        done = schema.inbox.c.state == "done"
        return work.execute(select(func.count()).where(done)).scalar_one()


def _fill(store: Store, mails: list[corpus.Mail]) -> None:
    """Put a backlog into the inbox, as a door does whose kitchen is closed."""
    now = datetime.now(UTC)
    rows = [
        row_of(
            RawMessage(
                content=mail.content,
                envelope=Envelope(
                    mail_from=mail.sender, rcpt_tos=(SUPPORT,), received_at=now
                ),
                source="smtp:backlog",
                source_key=f"backlog:{number}",
            ),
            in_row=True,
        )
        for number, mail in enumerate(mails)
    ]
    for start in range(0, len(rows), 500):
        with store.write() as work:
            inbox.accept(work, rows[start : start + 500], now)


@PATIENT
def test_memory_is_flat_through_a_backlog(database_url: str, tmp_path: Path) -> None:
    """The daemon itself is no larger after thousands of mails than after some."""
    config = write_config(tmp_path, database_url)
    with _opened(database_url) as store:
        _fill(store, corpus.mixed(BACKLOG, big=False))
        with Daemon(config) as daemon:
            pid = daemon.process.pid
            wait_until(lambda: _done(store) >= EARLY, 240)
            early = resident(pid)
            watched = Watched(pid)
            wait_until(lambda: _done(store) == BACKLOG, 1200)
            late = resident(pid)
            most = watched.before + watched.own_growth()
            assert daemon.stop() == 0
    assert late < early + CACHES
    assert most < MOST


def _framed(number: int, fields: bytes, body: bytes) -> bytes:
    plain = message(
        "x", sender=f"b{number}@example.com", message_id=f"<big{number}@example.com>"
    )
    head = plain.partition(b"\r\n\r\n")[0].split(b"\r\n")
    own = (b"content-", b"mime-")
    kept = [line for line in head if not line.lower().startswith(own)]
    return b"\r\n".join([*kept, b"MIME-Version: 1.0", fields]) + body


def _file(number: int) -> bytes:
    data = random.Random(number).randbytes(SIZE * MEBIBYTE * 73 // 100)
    lines = base64.encodebytes(data).replace(b"\n", b"\r\n")
    fields = (
        b'Content-Type: application/pdf; name="a.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
    )
    return _framed(number, fields, b"\r\n" + lines)


def _text(number: int) -> bytes:
    line = "uma linha de um registro, com acentuação e \N{PILE OF POO}\r\n".encode()
    fields = (
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n"
    )
    return _framed(number, fields, b"\r\n" + line * (SIZE * MEBIBYTE // len(line)))


def _headers(number: int) -> bytes:
    """A hostile one: nothing but header lines, too many to be taken apart."""
    return _framed(number, b"a\r\n" * (SIZE * MEBIBYTE // 3), b"\r\nx\r\n")


@PATIENT
def test_a_mail_of_25_mb_by_smtp_costs_three_times_its_size_at_most(
    database_url: str, tmp_path: Path
) -> None:
    """The parser child may take eight times; both give it back afterwards."""
    config = write_config(tmp_path, database_url)
    with Daemon(config) as daemon, _opened(database_url) as store:
        assert daemon.send(message())
        wait_until(lambda: _done(store) == 1)
        start = resident(daemon.process.pid)
        for number, make in enumerate((_file, _text, _headers), 1):
            content = make(number)

            def send(mail: bytes = content) -> None:
                assert daemon.send(mail)

            _costs(daemon, store, send, done=number + 1, what=make.__name__)
        _gives_back(daemon, start)


@PATIENT
@pytest.mark.dovecot
def test_a_mail_of_25_mb_by_imap_costs_three_times_its_size_at_most(
    database_url: str, tmp_path: Path
) -> None:
    """A mailbox is no dearer a way in than SMTP."""
    if not installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    server = Dovecot()
    try:
        server.start()
        config = write_config(tmp_path, database_url, more=server.mailbox())
        server.deliver(message())
        with Daemon(config) as daemon, _opened(database_url) as store:
            wait_until(lambda: _done(store) == 1)
            start = resident(daemon.process.pid)
            for number in (1, 2):
                content = _file(number)

                def deliver(mail: bytes = content) -> None:
                    server.deliver(mail)

                _costs(daemon, store, deliver, done=number + 1, what="imap")
            _gives_back(daemon, start)
    finally:
        server.close()


def _costs(
    daemon: Daemon, store: Store, act: Callable[[], None], *, done: int, what: str
) -> None:
    watched = Watched(daemon.process.pid)
    act()

    def is_done() -> bool:
        watched.glance()
        return _done(store) == done

    wait_until(is_done)
    own, child = watched.own_growth() / SIZE, watched.child_growth() / SIZE
    assert own <= 3, what
    assert child <= 8, what


def _gives_back(daemon: Daemon, start: float) -> None:
    """The caches of the database stay, and no mail with them."""
    pid = daemon.process.pid
    wait_until(lambda: resident(pid) < start + CACHES, 20)
    wait_until(lambda: all(resident(child) < 100 for child in children(pid)), 20)
