"""Everything fails that has a password, and no password is seen anywhere (R-09)."""

import base64
import os
import smtplib
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from tests.support.crash import Feeder, customer, numbered
from tests.support.daemon import CHAMADO, SUPPORT, Daemon, wait_until, write_config
from tests.support.dovecot import Dovecot, installed
from tests.support.sink import RESET, Sink, free_port

RELAY, MAILBOX, DATABASE = "c4nary-rel@y", "c4nary-mai!box", "c4nary-d$tabase"
SECRETS = (RELAY, MAILBOX, DATABASE)
#: What only a library's exception would say.
FOREIGN = ("Traceback", "psycopg", "sqlalchemy", "sqlite3.", "imaplib", "smtplib")
COMMANDS: Sequence[Sequence[str]] = (
    ("config", "check"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("mailbox", "list", "--json"),
    ("outbox", "list", "--json"),
    ("outbox", "show", "1"),
    ("inbox", "list", "--json"),
    ("ticket", "list", "--json"),
    ("why", "1"),
)


def _spellings(secret: str) -> set[str]:
    """Return how a password may look in a URL, in a command of a protocol, in JSON."""
    plain = secret.encode()
    coded = {base64.b64encode(b"\0support\0" + plain).decode()}
    coded |= {base64.b64encode(plain).decode(), quote(secret, safe="")}
    return {secret} | coded


def _search(where: str, said: str) -> None:
    for secret in SECRETS:
        for spelling in _spellings(secret):
            assert spelling not in said, f"{where} shows a password: {said}"
    for word in FOREIGN:
        assert word not in said, f"{where} shows the insides: {said}"


def _all_commands(config: Path) -> None:
    for words in COMMANDS:
        done = subprocess.run(
            [str(CHAMADO), "--config", str(config), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        _search(" ".join(words), done.stdout + done.stderr)


def _with_password(url: str) -> str:
    return url.replace("postgres@", f"postgres:{quote(DATABASE, safe='')}@")


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 — loopback
            found: str = answer.read().decode()
            return found
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def _everything_stored(url: str) -> str:
    store = Store(url)
    try:
        with store.read() as work:
            tables = [
                str([tuple(row) for row in work.execute(table.select())])
                for table in schema.metadata.sorted_tables
            ]
            return "\n".join(tables)
    finally:
        store.close()


def test_r09_no_password_where_login_relay_and_database_fail(
    database_url: str, tmp_path: Path
) -> None:
    """R-09: log, replies, pages, tables and every command are searched for three
    canaries."""
    if not installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    url = _with_password(database_url)
    feeder, server = Feeder(), Dovecot()
    answers = {"AUTH": ["535 5.7.8 no", RESET, "454 4.7.0 later"]}
    try:
        server.start()
        box = server.mailbox().replace(server.password, MAILBOX)
        with Sink(answers, features=("AUTH PLAIN LOGIN", "PIPELINING")) as sink:
            relay = (
                f'kind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\n'
                f'tls = "none"\nuser = "support"\npassword = "{RELAY}"'
            )
            config = write_config(tmp_path, url, relay=relay, more=box)
            with Daemon(config) as daemon:
                daemon.wait_for("mailbox_")
                assert feeder.feed(daemon)
                daemon.wait_for("letter_not_sent")
                _all_commands(config)
                said = _without_tables(daemon, url)
                for page in ("livez", "readyz", "metrics"):
                    _search(page, _page(f"{daemon.http}/{page}"))
                _search("SMTP", said)
                wait_until(daemon.output)
                daemon.stop()
                _search("the log", daemon.output())
            _search("the database", _everything_stored(url))
    finally:
        server.close()


def _without_tables(daemon: Daemon, url: str) -> str:
    """Take the inbox away, send a mail, bring the inbox back; return all replies."""
    store = Store(url)
    try:
        with store.write() as work:
            work.execute(text("ALTER TABLE inbox RENAME TO away"))
        said = _conversation(daemon)
        daemon.wait_for("not_accepted")
        with store.write() as work:
            work.execute(text("ALTER TABLE away RENAME TO inbox"))
    finally:
        store.close()
    return said


def _conversation(daemon: Daemon) -> str:
    with smtplib.SMTP("127.0.0.1", daemon.smtp_port, timeout=60) as client:
        client.ehlo()
        replies = [
            client.mail(customer(1)),
            client.rcpt(SUPPORT),
            client.data(numbered(3)),
        ]
    assert replies[-1][0] == 451
    return "\n".join(f"{code} {words.decode()}" for code, words in replies)


def test_r09_no_password_where_the_database_is_not_there(tmp_path: Path) -> None:
    """R-09: the start and every command fail with a clear word and without the URL's
    own."""
    password = quote(DATABASE, safe="")
    url = f"postgresql://chamado:{password}@127.0.0.1:{free_port()}/chamado"
    config = write_config(tmp_path, url)
    with Daemon(config, wait=False) as daemon:
        assert daemon.process.wait(60) == os.EX_UNAVAILABLE
        _search("the start", daemon.output())
        assert "127.0.0.1" in daemon.output()
    _all_commands(config)
