"""`mailbox list` and `mailbox reconcile` against a real Dovecot; `doctor` beside it."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from chamado.daemon.parts import identity, utc_now
from chamado.daemon.store import schema
from chamado.daemon.store.mailboxes import Mailboxes, listing
from tests.support import dovecot as real
from tests.support.counter import counter
from tests.support.dovecot import Dovecot
from tests.support.house import House, message

pytestmark = pytest.mark.dovecot


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server of one's own; skips where there is none to start."""
    if not real.installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    server = Dovecot()
    server.start()
    yield server
    server.close()


def section(server: Dovecot, box: str, **changes: object) -> str:
    lines = {
        "name": "support",
        "host": "127.0.0.1",
        "port": server.tls_port,
        "tls": "implicit",
        "ca_file": str(server.ca_file),
        "user": server.user,
        "password": server.password,
        "folder": box,
        "after": "keep",
    } | changes
    body = "\n".join(
        f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"'
        for key, value in lines.items()
    )
    return f"[[mailbox]]\n{body}\n"


@pytest.fixture
def box(dovecot: Dovecot, request: pytest.FixtureRequest) -> str:
    """A folder with three messages, of its own for each test."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    for number in range(3):
        content = message(f"{number}", message_id=f"<{number}@x.example>")
        dovecot.deliver(content, folder=name)
    return name


def test_a_mailbox_nobody_watches_is_listed_as_that(
    home: House, dovecot: Dovecot, tmp_path: Path, database_url: str
) -> None:
    """Configured mailboxes are listed before any daemon has run."""
    cli = counter(tmp_path, database_url, more=section(dovecot, "INBOX"))
    (row,) = cli.json("mailbox", "list")
    assert (row["name"], row["connected"], row["watched_by"]) == (
        "support",
        False,
        None,
    )
    assert "not connected" in cli.ok("mailbox", "list").out


def test_what_a_dead_daemon_said_does_not_hold(
    home: House, dovecot: Dovecot, tmp_path: Path, database_url: str
) -> None:
    """A mailbox counts as connected only while somebody holds its lease."""
    cli = counter(tmp_path, database_url, more=section(dovecot, "INBOX"))
    me = identity()
    # One with our own number would be a life before ours, so it is another that lives.
    owner = f"{me.host}:{os.getppid()}:another"
    book = Mailboxes(home.store, owner, me.host, utc_now)
    book.lease("support")
    book.report("support", connected=True)
    (row,) = cli.json("mailbox", "list")
    assert (row["connected"], row["watched_by"]) == (True, me.host)
    assert row["last_success_at"] is not None
    book.release("support")
    assert cli.json("mailbox", "list")[0]["connected"] is False
    book.report("support", connected=False, error="login refused\x1b[31m")
    assert "login refused[31m" in cli.ok("mailbox", "list").out


def test_the_last_success_moves_with_each_reading_and_with_nothing_else(
    home: House, database_url: str
) -> None:
    """A message that was left behind is no failure of the reading; a door that is
    shut is one."""
    minutes = iter(range(1, 9))
    start = utc_now()
    me = identity()
    book = Mailboxes(
        home.store,
        me.owner,
        me.host,
        lambda: start + timedelta(minutes=next(minutes)),
    )

    def success() -> datetime | None:
        with home.store.read() as work:
            (row,) = listing(work)
        found: datetime | None = row["last_success_at"]
        return found

    book.report("support", connected=True, error="mail cannot be stored")
    assert success() is None
    book.report("support", connected=True, read=True)
    first = success()
    book.report("support", connected=True, read=True)
    again = success()
    assert first
    assert again
    assert again > first
    book.report("support", connected=True, error="1 left in the mailbox", read=True)
    last = success()
    assert last
    assert last > again
    book.report("support", connected=False, error="gone")
    assert success() == last


def test_reconcile_names_every_message_without_an_outcome(
    home: House, dovecot: Dovecot, box: str, tmp_path: Path, database_url: str
) -> None:
    """Not accepted, waiting and failed ones are gaps; done ones are not; and the
    mailbox is as it was."""
    cli = counter(tmp_path, database_url, more=section(dovecot, box))
    before = [file.name for file in dovecot.files(box)]

    def reconciled(code: int) -> dict[str, Any]:
        done = cli.run("mailbox", "reconcile", "--json")
        assert done.code == code, done.err
        (found,) = done.json
        assert isinstance(found, dict)
        return found

    found = reconciled(1)
    assert (found["mailbox"], found["on_server"], found["with_outcome"]) == (
        "support",
        3,
        0,
    )
    uids = [gap["uid"] for gap in found["without_outcome"]]
    keys = [f"imap:support/{box};{found['uidvalidity']};{uid}" for uid in uids]
    ids = [
        home.take(message(f"{n}", message_id=f"<{n}@x.example>"), key=key)
        for n, key in enumerate(keys)
    ]
    home.processor.process_all(ids)
    with home.store.write() as work:
        rows = schema.inbox.c
        for id_, state in ((ids[1], "received"), (ids[2], "failed")):
            work.execute(
                update(schema.inbox)
                .where(rows.id == id_)
                .values(state=state, outcome=None)
            )
    assert reconciled(1)["without_outcome"] == [
        {"uid": uids[1], "state": "received", "inbox_id": ids[1]},
        {"uid": uids[2], "state": "failed", "inbox_id": ids[2]},
    ]
    page = cli.run("mailbox", "reconcile", "support").out
    assert f"inbox retry {ids[2]}" in page
    with home.store.write() as work:
        work.execute(update(schema.inbox).values(state="done", outcome="dropped"))
    assert reconciled(0)["without_outcome"] == []
    assert [file.name for file in dovecot.files(box)] == before


def test_a_mail_that_is_too_large_is_not_promised_to_be_taken(
    home: House, dovecot: Dovecot, box: str, tmp_path: Path, database_url: str
) -> None:
    """It stays on the server: `reconcile` says why and what helps, `doctor` warns of
    how many there are; one that was taken under another limit is none of them."""
    for number in range(2):
        large = message("x" * 5_000, message_id=f"<large{number}@x.example>")
        dovecot.deliver(large, folder=box)
    more = section(dovecot, box) + "[limits]\nmessage_bytes = 4000\n"
    cli = counter(tmp_path, database_url, more=more)
    (found,) = cli.run("mailbox", "reconcile", "--json").json
    states = [gap["state"] for gap in found["without_outcome"]]
    assert states == ["not accepted"] * 3 + ["too large"] * 2
    page = cli.run("mailbox", "reconcile").out
    assert page.count("larger than [limits] message_bytes") == 2
    assert page.count("at its next pass") == 3
    (row,) = _large(cli.ok("doctor", "--json").json)
    assert row["status"] == "warn"
    assert row["what"].startswith("2 messages are larger than [limits] message_bytes")
    uid = found["without_outcome"][3]["uid"]
    home.take(message("L"), key=f"imap:support/{box};{found['uidvalidity']};{uid}")
    (row,) = _large(cli.run("doctor", "--json").json)
    assert row["what"].startswith("1 messages")


def _large(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["check"] == "mailbox.support.large"]


def test_an_unknown_mailbox_and_a_silent_server_end_with_their_codes(
    dovecot: Dovecot, tmp_path: Path, database_url: str
) -> None:
    """66 for a name nobody configured, 69 for a server that does not let us in."""
    cli = counter(tmp_path, database_url, more=section(dovecot, "INBOX"))
    done = cli.run("mailbox", "reconcile", "sales")
    assert done.code == 66
    assert "support" in done.err
    wrong = section(dovecot, "INBOX", password="wr0ng")
    refused = counter(tmp_path, database_url, more=wrong).run("mailbox", "reconcile")
    assert refused.code == 69
    assert "wr0ng" not in refused.out + refused.err


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({}, "ok", "holds 3 messages, offers IDLE, MOVE, UIDPLUS"),
        ({"password": "wr0ng"}, "fail", "password"),
        ({"folder": "No such folder"}, "fail", "folder"),
        ({"ca_file": "/etc/hostname"}, "fail", ""),
        ({"port": 1}, "fail", ""),
    ],
)
def test_doctor_looks_into_every_mailbox(
    dovecot: Dovecot,
    box: str,
    tmp_path: Path,
    sqlite_template: Path,
    changes: dict[str, object],
    status: str,
    said: str,
) -> None:
    """It logs in, opens the folder for reading, and says what to correct."""
    file = tmp_path / "chamado.db"
    file.write_bytes(sqlite_template.read_bytes())
    before = [one.name for one in dovecot.files(box)]
    more = section(dovecot, box, **changes)
    done = counter(tmp_path, f"sqlite:///{file}", more=more).run("doctor", "--json")
    (row,) = [r for r in done.json if r["check"] == "mailbox.support"]
    assert row["status"] == status
    assert said in row["what"] + row["fix"]
    assert "wr0ng" not in done.out
    assert done.code == (1 if status == "fail" else 0)
    assert [one.name for one in dovecot.files(box)] == before


def test_doctor_tells_what_a_plain_server_cannot_do(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Without IDLE mail is noticed later, without MOVE and UIDPLUS it stays behind;
    both work, so both are warnings."""
    if not real.installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    plain = Dovecot(extra="imap_capability = IMAP4rev1 AUTH=PLAIN\n")
    plain.start()
    try:
        file = tmp_path / "chamado.db"
        file.write_bytes(sqlite_template.read_bytes())
        more = section(plain, "INBOX", after="move:Processed")
        done = counter(tmp_path, f"sqlite:///{file}", more=more).ok("doctor", "--json")
    finally:
        plain.close()
    status = {row["check"]: row["status"] for row in done.json}
    assert status["mailbox.support"] == "ok"
    assert status["mailbox.support.idle"] == "warn"
    assert status["mailbox.support.move"] == "warn"
