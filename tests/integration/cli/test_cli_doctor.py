"""`doctor`: one line a check, and the proof of the ledger."""

import platform
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import insert, select, text, update

from chamado.daemon.parts import utc_now
from chamado.daemon.store import inbox, mailboxes, schema
from chamado.daemon.store.engine import Store
from tests.support.counter import Counter, counter
from tests.support.house import House, message
from tests.support.sink import Sink

LINE = re.compile(r"(ok|warn|fail) [a-z0-9.:_-]+: .+")


def checks(cli: Counter, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """Run doctor; return the worst line of each check."""
    done = cli.run("doctor", *words, "--json")
    assert done.code == code, (done.out, done.err)
    rank = ("ok", "warn", "fail")
    found: dict[str, dict[str, Any]] = {}
    for row in done.json:
        assert set(row) == {"check", "status", "what", "fix"}
        assert row["status"] == "ok" or row["fix"]
        known = found.get(row["check"])
        if known is None or rank.index(row["status"]) > rank.index(known["status"]):
            found[row["check"]] = row
    return found


def status(found: dict[str, dict[str, Any]], check: str) -> str:
    return str(found[check]["status"]) if check in found else "absent"


def test_a_sound_installation_is_told_so_line_by_line(
    home: House, cli: Counter
) -> None:
    """Every line says its status, its name and what was found; nothing fails."""
    home.clock.now = utc_now()
    home.mail(message())
    done = cli.ok("doctor")
    lines = done.out.splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert not any(line.startswith("fail") for line in lines)
    found = checks(cli)
    # O-04: known holes of the mail library are told by Python's patch level.
    assert platform.python_version() in found["python"]["what"]
    assert found["disk"]["what"].endswith(" 268.4 MB are kept in reserve")
    for check in (
        "database",
        "database.durable",
        "database.schema",
        "blobs",
        "letters",
    ):
        assert status(found, check) == "ok", check


def test_looking_makes_nothing(tmp_path: Path) -> None:
    """On a machine where nothing ran yet, doctor warns and leaves no file."""
    file = tmp_path / "new" / "chamado.db"
    cli = counter(tmp_path, f"sqlite:///{file}")
    found = checks(cli)
    assert status(found, "database") == "warn"
    assert not file.exists()
    assert not (tmp_path / "data").exists()


def test_looking_makes_no_folder_where_the_database_is_elsewhere(
    tmp_path: Path, database_url: str
) -> None:
    """A database on another machine is there before the data folder of this one is."""
    cli = counter(tmp_path, database_url)
    assert status(checks(cli), "blobs") == "warn"
    checks(cli, "--ledger")
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir(mode=0o700)
    assert status(checks(cli), "blobs") == "warn"
    assert not list((tmp_path / "data").iterdir())


def test_a_blob_folder_that_is_gone_is_no_proof_and_is_not_made_again(
    home: House, cli: Counter, tmp_path: Path
) -> None:
    """The proof fails and says which folder it misses."""
    home.mail(message("x" * 300_000))
    blobs = tmp_path / "data" / "blobs"
    blobs.rename(tmp_path / "elsewhere")
    found = checks(cli, "--ledger", code=1)
    assert f"{blobs} is not there" in found["ledger.raw"]["what"]
    assert not blobs.exists()


def test_it_leaves_no_trace_in_the_database(home: House, cli: Counter) -> None:
    """Asking changes no row and leaves no probe among the blobs."""
    home.clock.now = utc_now()
    home.mail(message())
    before = [home.rows(table) for table in (schema.inbox, schema.outbox)]
    cli.ok("doctor")
    assert [home.rows(table) for table in (schema.inbox, schema.outbox)] == before
    blobs = cli.config.parent / "data" / "blobs"
    assert [f for f in blobs.rglob("*") if f.is_file()] == []


def test_failed_and_old_messages_are_an_alarm(home: House, cli: Counter) -> None:
    """What could not be understood, and what nobody takes up, fails the check-up."""
    id_ = home.take(message())
    with home.store.write() as work:
        inbox.fail(work, id_, "x", home.clock())
    home.take(message("b", message_id="<b@x>"))
    with home.store.write() as work:
        work.execute(update(schema.inbox).values(accepted_at=utc_now()))
    found = checks(cli, code=1)
    assert status(found, "inbox.failed") == "fail"
    assert status(found, "inbox.waiting") == "ok"
    for age, expected in ((2, "warn"), (20, "fail")):
        at = utc_now() - timedelta(minutes=age)
        with home.store.write() as work:
            work.execute(update(schema.inbox).values(accepted_at=at))
        assert status(checks(cli, code=1), "inbox.waiting") == expected


def test_letters_that_are_stuck_or_in_doubt_are_told(home: House, cli: Counter) -> None:
    """Late letters fail; failed, deferred and unknown ones are worth a word."""
    home.mail(message())
    with home.store.write() as work:
        work.execute(update(schema.outbox).values(next_attempt_at=utc_now()))
    assert status(checks(cli), "outbox.waiting") == "ok"
    with home.store.write() as work:
        late = utc_now() - timedelta(minutes=20)
        work.execute(update(schema.outbox).values(next_attempt_at=late))
    assert status(checks(cli, code=1), "outbox.waiting") == "fail"
    for state in ("failed", "unknown"):
        with home.store.write() as work:
            work.execute(update(schema.outbox).values(state=state))
        assert status(checks(cli), f"outbox.{state}") == "warn"


def test_a_living_daemon_is_named(home: House, cli: Counter) -> None:
    """Who said within the last minute that they live is running."""
    assert status(checks(cli), "daemon") == "warn"
    with home.store.write() as work:
        mailboxes.heartbeat(work, "h:1:x", "h", ["smtp", "process"], utc_now())
    found = checks(cli)
    assert status(found, "daemon") == "ok"
    assert "smtp, process" in found["daemon"]["what"]


def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    """Without its database doctor still looks at everything else."""
    cli = counter(tmp_path, f"postgresql://nobody@/none?host={tmp_path}&port=1")
    found = checks(cli, code=1)
    assert status(found, "database") == "fail"
    assert status(found, "letters") == "ok"
    assert status(found, "relay") == "warn"


def test_the_password_of_the_database_is_not_shown(tmp_path: Path) -> None:
    """A failing connection does not print its secret."""
    url = f"postgresql://nobody:s3cr3t@/none?host={tmp_path}&port=1"
    cli = counter(tmp_path, url)
    done = cli.run("doctor")
    assert done.code == 1
    assert "s3cr3t" not in done.out + done.err


def test_f29_a_damaged_file_is_found(tmp_path: Path, sqlite_template: Path) -> None:
    """Bytes of the database that the disk forgot are found, and restore is named."""
    file = tmp_path / "chamado.db"
    content = bytearray(sqlite_template.read_bytes())
    content[8192 : 8192 + 60_000] = b"\xff" * 60_000
    file.write_bytes(content)
    found = checks(counter(tmp_path, f"sqlite:///{file}"), code=1)
    assert "fail" in (status(found, "database"), status(found, "database.sound"))


def test_a_schema_of_another_version_is_found(home: House, cli: Counter) -> None:
    """A database upgraded by a newer Chamado is named as that."""
    with home.store.write() as work:
        work.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    found = checks(cli, code=1)
    assert status(found, "database.schema") == "fail"
    assert "newer" in found["database.schema"]["what"]


def test_f10_undurable_settings_are_found(home: House, cli: Counter) -> None:
    """A PostgreSQL that may forget what it committed fails the check-up."""
    if home.store.is_sqlite:
        # SQLite has no setting outside of our own connection.
        assert status(checks(cli), "database.durable") == "ok"
        return
    name = home.store.engine.url.database
    with home.store.engine.connect() as work:
        bare = work.execution_options(isolation_level="AUTOCOMMIT")
        bare.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    assert status(checks(cli, code=1), "database.durable") == "fail"


def test_a_relay_is_greeted_and_given_nothing(
    home: House, tmp_path: Path, database_url: str
) -> None:
    """The check introduces itself and says goodbye; no MAIL, no letter."""
    with Sink() as sink:
        more = f'[relay]\nkind = "smtp"\nport = {sink.port}\n'
        cli = counter(tmp_path, database_url, more=more)
        assert status(checks(cli), "relay") == "ok"
        assert sink.count("EHLO") == 1
        assert sink.count("MAIL") == 0
    assert status(checks(cli, code=1), "relay") == "fail"


def test_send_test_hands_one_letter_over(
    home: House, tmp_path: Path, database_url: str
) -> None:
    """Only when asked a letter is sent, marked as automatic, from nobody."""
    with Sink() as sink:
        more = f'[relay]\nkind = "smtp"\nport = {sink.port}\n'
        cli = counter(tmp_path, database_url, more=more)
        found = checks(cli, "--send-test", "bia@acme.example")
        assert status(found, "send-test") == "ok"
        (letter,) = sink.letters
        bad = checks(cli, "--send-test", "x\r\nRCPT TO:<e@x>", code=1)
        assert status(bad, "send-test") == "fail"
        assert len(sink.letters) == 1
    assert (letter.mail_from, letter.rcpt_tos) == ("", ("bia@acme.example",))
    assert b"Auto-Submitted: auto-generated" in letter.content


def test_certificates_of_listeners_are_judged(tmp_path: Path) -> None:
    """Good ones say until when, others what is wrong with them."""
    authority = trustme.CA()
    now = utc_now()
    pair, other = (
        authority.issue_cert("mx.acme.example", not_after=now + timedelta(days=days))
        for days in (90, 90)
    )
    soon = authority.issue_cert("a.example", not_after=now + timedelta(days=3))
    past = authority.issue_cert(
        "a.example",
        not_before=now - timedelta(days=9),
        not_after=now - timedelta(days=1),
    )

    def judged(certificate: trustme.LeafCert, key: trustme.LeafCert) -> str:
        chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        (tmp_path / "cert.pem").write_bytes(chain)
        key.private_key_pem.write_to_path(tmp_path / "key.pem")
        more = (
            '[[listener]]\nlisten = "127.0.0.1:2525"\n'
            f'tls_certificate = "{tmp_path / "cert.pem"}"\n'
            f'tls_key = "{tmp_path / "key.pem"}"\n'
        )
        cli = counter(tmp_path, f"sqlite:///{tmp_path / 'none.db'}", more=more)
        done = cli.run("doctor", "--json")
        (row,) = [r for r in done.json if r["check"].startswith("tls.")]
        return str(row["status"])

    assert judged(pair, pair) == "ok"
    assert judged(soon, soon) == "warn"
    assert judged(past, past) == "fail"
    assert judged(pair, other) == "fail"


def test_the_ledger_proves_the_sum_of_fates(home: House, cli: Counter) -> None:
    """accepted = outcomes + what waits + what failed, with every byte in place."""
    home.mail(message())
    home.mail(message(), key="again")
    home.mail(message("z" * 200_000, message_id="<large@x>"))
    failed = home.take(message("f", message_id="<f@x>"))
    home.take(message("w", message_id="<w@x>"))
    with home.store.write() as work:
        inbox.fail(work, failed, "x", home.clock())
    found = checks(cli, "--ledger")
    said = found["ledger.sum"]["what"]
    assert said.startswith("5 accepted = ")
    for term in ("2 ticket_opened", "1 duplicate", "1 failed", "1 received"):
        assert term in said
    assert found["ledger.raw"]["what"].startswith("5 ")


def break_entry(store: Store, _home: House) -> None:
    with store.write() as work:
        nothing = {"inbox_id": None, "message_id": None, "content_digest": None}
        work.execute(update(schema.entry).values(**nothing))


def break_raw(store: Store, _home: House) -> None:
    with store.write() as work:
        work.execute(update(schema.inbox).values(raw=b"other"))


def break_blob(_store: Store, home: House) -> None:
    id_ = home.take(message("z" * 200_000, message_id="<large@x>"))
    home.blobs.delete(home.fate(id_)["sha256"])


def break_damage(_store: Store, home: House) -> None:
    id_ = home.take(message("z" * 200_000, message_id="<large@x>"))
    path = home.blobs.checked_path(home.fate(id_)["sha256"])
    assert path
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def break_origin(store: Store, _home: House) -> None:
    with store.write() as work:
        work.execute(update(schema.entry).values(inbox_id=None))
        work.execute(update(schema.inbox).values(outcome="dropped", entry_id=None))


def break_state(store: Store, _home: House) -> None:
    with store.write() as work:
        work.execute(update(schema.inbox).values(state="received", outcome=None))


def break_empty_case(store: Store, _home: House) -> None:
    with store.write() as work:
        row = home_ticket(work)
        work.execute(insert(schema.ticket).values({**row, "number": 77}))


def home_ticket(work: Any) -> dict[str, Any]:
    return dict(work.execute(select(schema.ticket)).mappings().one())


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (break_entry, "ledger.fates"),
        (break_raw, "ledger.raw"),
        (break_blob, "ledger.raw"),
        (break_damage, "ledger.raw"),
        (break_origin, "ledger.fates"),
        (break_state, "ledger.fates"),
        (break_empty_case, "ledger.fates"),
    ],
)
def test_every_kind_of_gap_in_the_ledger_is_found(
    home: House, cli: Counter, damage: Any, check: str
) -> None:
    """The proof is none if a loss could hide: each one fails it and is named."""
    home.mail(message())
    assert status(checks(cli, "--ledger"), check) == "ok"
    damage(home.store, home)
    assert status(checks(cli, "--ledger", code=1), check) == "fail"


def test_the_ledger_does_not_mistake_a_call_for_mail(home: House, cli: Counter) -> None:
    """Cases by phone have no message behind them and are no gap."""
    cli.ok(
        *("ticket", "create", "--requester", "a@x.example", "--subject", "x"),
        *("--channel", "phone"),
    )
    cli.ok(
        *("ticket", "reply", 1, "--agent", "bia@acme.example", "--body-file", "-"),
        stdin="Olá.",
    )
    assert status(checks(cli, "--ledger"), "ledger.fates") == "ok"


def test_sqlite_is_not_left_open(tmp_path: Path, sqlite_template: Path) -> None:
    """After a check-up nothing holds the file."""
    file = tmp_path / "chamado.db"
    file.write_bytes(sqlite_template.read_bytes())
    cli = counter(tmp_path, f"sqlite:///{file}")
    checks(cli)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.close()
