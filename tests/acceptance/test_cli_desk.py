"""The desk's day with the installed command: mail comes in, an agent works on it."""

import email
import email.policy
import json
import os
import pty
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import CHAMADO, Daemon, wait_until, write_config
from tests.support.house import message

BIA = ("--agent", "bia@acme.example")


def run(
    config: Path, *words: object, stdin: str = "", env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [str(CHAMADO), "--config", str(config), *map(str, words)],
        input=stdin.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )


def ask(config: Path, *words: object, stdin: str = "") -> Any:
    done = run(config, *words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def letters(folder: Path) -> list[EmailMessage]:
    return [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in (folder / "data/outgoing/new").glob("*")
    ]


def test_a_case_from_the_first_mail_to_its_resolution(
    tmp_path: Path, database_url: str
) -> None:
    """Mail opens a case, an agent answers, notes, sets and resolves it while the
    daemon runs; the customer gets three letters and never a word of the note."""
    config = write_config(tmp_path, database_url)
    with Daemon(config) as daemon:
        daemon.send(message())
        wait_until(lambda: len(letters(tmp_path)) == 1)
        ask(config, "ticket", "reply", 1, *BIA, "--body-file", "-", stdin="De novo.")
        ask(config, "ticket", "note", 1, *BIA, "--body-file", "-", stdin="Segredo.")
        assert ask(config, "ticket", "set", 1, "--severity", "high")["priority"] == "p2"
        ended = ask(config, "ticket", "resolve", 1, *BIA, "--resolution", "answered")
        assert ended["status"] == "resolved"
        kinds = [entry["kind"] for entry in ended["entries"]]
        assert kinds == ["inbound", "ack", "reply", "note", "event", "event"]
        found = wait_until(lambda: len(letters(tmp_path)) == 3 and letters(tmp_path))
        assert b"Segredo" not in b"".join(bytes(letter) for letter in found)
        recipients = {letter["To"].addresses[0].addr_spec for letter in found}
        assert recipients == {"ana@example.com"}
        checks = {c["check"]: c["status"] for c in ask(config, "doctor")}
        assert "fail" not in checks.values()
        assert checks["daemon"] == "ok"
        assert daemon.stop() == 0
    assert run(config, "doctor", "--ledger").returncode == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("no-such-command",), 64),
        (("ticket", "show"), 64),
        (("ticket", "show", "x"), 64),
        (("ticket", "list", "--status", "lost"), 64),
        (("ticket", "show", "99"), 66),
        (("inbox", "show", "99"), 66),
        (("why", "<nobody@example.com>"), 66),
        (("mailbox", "reconcile", "none"), 66),
        (("restore", "no-such-folder"), 66),
        (("ticket", "note", "1", "--agent", "eve@x.example", "--body-file", "-"), 77),
        (("doctor",), 0),
    ],
)
def test_every_ending_has_its_code_and_one_line(
    tmp_path: Path, sqlite_template: Path, words: tuple[str, ...], code: int
) -> None:
    """Codes are those of sysexits, and nobody ever sees a traceback."""
    file = tmp_path / "chamado.db"
    file.write_bytes(sqlite_template.read_bytes())
    config = write_config(tmp_path, f"sqlite:///{file}")
    done = run(config, *words, stdin="x")
    assert done.returncode == code, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    if code > 64:
        assert done.stderr.count(b"\n") == 1


def test_a_configuration_that_is_not_there_ends_with_78(tmp_path: Path) -> None:
    """A file that was named and is missing is no reason for the defaults."""
    done = run(tmp_path / "none.toml", "ticket", "list")
    assert done.returncode == 78
    assert b"none.toml" in done.stderr


def test_a_database_that_is_away_ends_with_69(tmp_path: Path) -> None:
    """Unavailable is said in one line, without the password."""
    url = f"postgresql://u:s3cr3t@/none?host={tmp_path}&port=1"
    done = run(write_config(tmp_path, url), "ticket", "list")
    assert done.returncode == 69
    assert done.stderr.count(b"\n") == 1
    assert b"s3cr3t" not in done.stderr


def test_json_is_utf8_whatever_the_locale(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """A program reads the same bytes under C, POSIX and Latin-1."""
    file = tmp_path / "chamado.db"
    file.write_bytes(sqlite_template.read_bytes())
    config = write_config(tmp_path, f"sqlite:///{file}")
    ask(
        config,
        *("ticket", "create", "--requester", "a@x.example", "--channel", "web"),
        *("--subject", "Não abre → 日本", "--no-ack"),
    )
    latin = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "latin-1",
    }
    done = run(config, "ticket", "list", "--json", env=latin)
    assert json.loads(done.stdout.decode())[0]["subject"] == "Não abre → 日本"
    assert run(config, "ticket", "list", env=latin).returncode == 0


def test_a_reader_who_has_had_enough_is_no_error(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """`chamado ticket list | head -0` ends quietly."""
    file = tmp_path / "chamado.db"
    file.write_bytes(sqlite_template.read_bytes())
    config = write_config(tmp_path, f"sqlite:///{file}")
    done = subprocess.run(
        ["sh", "-c", '"$0" --config "$1" ticket list | true', CHAMADO, config],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""


def test_raw_mail_on_a_terminal_is_harmless(tmp_path: Path, database_url: str) -> None:
    """On a real terminal --raw shows escape sequences instead of sending them, into
    a pipe it gives the very bytes."""
    config = write_config(tmp_path, database_url)
    mail = tmp_path / "evil.eml"
    mail.write_bytes(message().replace(b"azul", b"\x1b]0;owned\x07azul\x1b[2J", 1))
    assert run(config, "ingest", mail).returncode == 0
    assert run(config, "inbox", "show", 1, "--raw").stdout == mail.read_bytes()
    ours, theirs = pty.openpty()
    try:
        words = ["--config", str(config), "inbox", "show", "1", "--raw"]
        subprocess.run([str(CHAMADO), *words], stdout=theirs, timeout=60, check=True)
        seen = os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"owned" in seen
    assert b"\x1b" not in seen
    assert b"\x07" not in seen
