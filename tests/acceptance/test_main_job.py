"""The main job, done by the installed command for somebody who sends mail."""

import re
import signal
import smtplib
import urllib.request
from email import message_from_bytes
from pathlib import Path

import pytest

from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from tests.support.daemon import SUPPORT, Daemon, wait_until, write_config
from tests.support.house import message


def _rows(database_url: str, table: str) -> list[dict[str, object]]:
    store = Store(database_url)
    try:
        with store.read() as work:
            found = work.execute(schema.metadata.tables[table].select())
            return [dict(row) for row in found.mappings()]
    finally:
        store.close()


def _outgoing(folder: Path) -> list[Path]:
    return sorted((folder / "data" / "outgoing" / "new").glob("*"))


def test_a_mail_by_smtp_becomes_a_case_and_its_reply_joins(
    database_url: str, tmp_path: Path
) -> None:
    """From 250 to the acknowledgement in the outgoing mail, and back with a reply."""
    config = write_config(tmp_path, database_url)
    with Daemon(config) as daemon:
        assert daemon.send(message())
        (letter,) = wait_until(lambda: _outgoing(tmp_path))
        ack = message_from_bytes(letter.read_bytes())
        assert ack["To"] == "ana@example.com" or "ana@example.com" in ack["To"]
        reply = message(
            "No celular também.",
            message_id="<m2@example.com>",
            In_Reply_To=ack["Message-ID"],
        )
        assert daemon.send(reply, rcpt=ack["Reply-To"])
        wait_until(
            lambda: (
                [r["outcome"] for r in _rows(database_url, "inbox")]
                == ["ticket_opened", "reply_appended"]
            )
        )
        assert daemon.stop() == 0
    assert len(_rows(database_url, "ticket")) == 1
    assert len(_outgoing(tmp_path)) == 1


def test_lmtp_answers_once_for_each_recipient(
    database_url: str, tmp_path: Path
) -> None:
    """RFC 2033 §4.2, over a Unix socket, with one recipient that is unknown."""
    config = write_config(tmp_path, database_url)
    with Daemon(config) as daemon:
        with smtplib.LMTP(str(tmp_path / "lmtp")) as client:
            client.ehlo_or_helo_if_needed()
            assert client.mail("ana@example.com")[0] == 250
            assert client.rcpt(SUPPORT)[0] == 250
            assert client.rcpt("nobody@acme.example")[0] == 550
            assert client.rcpt(SUPPORT)[0] == 250
            code, _ = client.data(message())
            assert code == 250
            assert client.getreply()[0] == 250
        wait_until(lambda: [r["outcome"] for r in _rows(database_url, "inbox")])
        assert daemon.stop() == 0
    assert len(_rows(database_url, "ticket")) == 1


def test_health_and_metrics_are_served_and_say_nothing_secret(
    database_url: str, tmp_path: Path
) -> None:
    """V-13: the health pages hold one word; the metrics count what happened."""
    config = write_config(tmp_path, database_url)
    with Daemon(config) as daemon:
        assert _get(f"{daemon.http}/livez") == "ok\n"
        assert _get(f"{daemon.http}/readyz") == "ok\n"
        assert daemon.send(message())
        wait_until(
            lambda: (
                'outcomes_total{outcome="ticket_opened"} 1.0'
                in _get(f"{daemon.http}/metrics"),
            )
        )


def test_a_reload_keeps_the_old_settings_when_the_new_ones_are_wrong(
    database_url: str, tmp_path: Path
) -> None:
    """F-25: SIGHUP with a mistake changes nothing and says what is wrong."""
    config = write_config(tmp_path, database_url)
    good = config.read_text()
    with Daemon(config) as daemon:
        config.write_text(good + "\n[nonsense]\nkey = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("reload_refused")
        assert daemon.send(message())
        wait_until(
            lambda: [r["ack"] for r in _rows(database_url, "inbox")] == ["queued"]
        )
        config.write_text(good.replace("per_hour = 1000000", "enabled = false"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("reloaded")
        assert daemon.send(message("outra", message_id="<m2@example.com>"))
        wait_until(
            lambda: (
                [r["ack"] for r in _rows(database_url, "inbox")]
                == ["queued", "suppressed:disabled"]
            )
        )


def test_a_reload_names_what_waits_for_a_restart_until_nothing_does(
    tmp_path: Path,
) -> None:
    """What is in force counts, not the file before: a second SIGHUP changes nothing."""
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/chamado.db")
    good = config.read_text()
    with Daemon(config) as daemon:
        other = good.replace("[relay]", "[relay]\nport = 26")
        for times, text in enumerate((other, f"{other}[survey]\n", good), 1):
            config.write_text(text)
            daemon.process.send_signal(signal.SIGHUP)
            said = _reloaded(daemon, times)
        assert said == ["relay", "relay", "nothing"]


def _reloaded(daemon: Daemon, times: int) -> list[str]:
    def said() -> list[str]:
        return re.findall(r"reloaded .*?needs_restart=(\w+)", daemon.output())

    wait_until(lambda: len(said()) >= times)
    return said()


def test_a_schema_this_version_does_not_know_is_refused_with_78(
    database_url: str, tmp_path: Path
) -> None:
    """The daemon does not guess what a newer Chamado made of the database."""
    from sqlalchemy import text

    store = Store(database_url)
    with store.write() as work:
        work.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    store.close()
    config = write_config(tmp_path, database_url)
    with Daemon(config, wait=False) as daemon:
        assert daemon.process.wait(60) == 78
        assert "newer Chamado" in daemon.output()
        assert "Traceback" not in daemon.output()


@pytest.mark.parametrize(
    ("config", "code"),
    [("[service]\ndomian = 'x'\n", 78), ("not toml", 78)],
)
def test_a_wrong_configuration_ends_with_78_and_one_clear_line(
    tmp_path: Path, config: str, code: int
) -> None:
    """A mistake is named with its place, never shown as a traceback."""
    path = tmp_path / "chamado.toml"
    path.write_text(config)
    with Daemon(path, wait=False) as daemon:
        assert daemon.process.wait(60) == code
        assert "Traceback" not in daemon.output()
        assert "chamado.toml" in daemon.output()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 — loopback
        text: str = answer.read().decode()
        return text
