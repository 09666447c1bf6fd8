"""Sending into a maildir."""

import email
import mailbox
import stat
from dataclasses import replace
from email import policy
from pathlib import Path

import pytest

from chamado.config.settings import Relay
from chamado.notifier.maildir import MaildirRelay
from chamado.notifier.relay import open_relay
from chamado.notifier.render import Templates, sample
from chamado.notifier.smtp import SmtpRelay
from chamado.notifier.types import Fate, LetterKind
from tests.support.sink import Sink

ACK = Templates().compose(sample(LetterKind.ACK, "pt-BR"))
REPLY = Templates().compose(
    replace(sample(LetterKind.REPLY, "pt-BR"), message_id="reply.1042.r.m@acme.example")
)


def stored(path: Path) -> list[bytes]:
    """Return the messages of a maildir, as the standard library reads them."""
    box = mailbox.Maildir(path, create=False)
    return sorted(box.get_bytes(key) for key in box.keys())  # noqa: SIM118 - not a dict


def test_a_letter_lies_in_new_with_its_envelope(tmp_path: Path) -> None:
    """Folders are made, nothing is left in tmp, and only the owner may read."""
    path = tmp_path / "a" / "outgoing"
    relay = MaildirRelay(path)
    assert relay.send(ACK).fate is Fate.SENT
    relay.close()
    (content,) = stored(path)
    message = email.message_from_bytes(content, policy=policy.default)
    assert message["Return-Path"] == "<>"
    assert message["Delivered-To"] == "ana@example.com"
    assert message["Subject"] == "[#1042] Recebemos sua mensagem"
    assert content.split(b"\n", 2)[2] == ACK.content.replace(b"\r\n", b"\n")
    assert list((path / "tmp").iterdir()) == []
    (file,) = (path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((path / "new").stat().st_mode) == 0o700


def test_the_same_letter_twice_is_one_file(tmp_path: Path) -> None:
    """The name of the file follows from the Message-ID."""
    relay = MaildirRelay(tmp_path / "out")
    for letter in (ACK, ACK, REPLY, ACK):
        assert relay.send(letter).fate is Fate.SENT
    assert len(stored(tmp_path / "out")) == 2
    assert b"Return-Path: <suporte@acme.example>" in b"".join(stored(tmp_path / "out"))


def test_trouble_with_the_disk_delays_the_letters(tmp_path: Path) -> None:
    """Where no folder can be made the letter waits, in words that name the place."""
    (tmp_path / "file").write_text("in the way")
    outcome = MaildirRelay(tmp_path / "file" / "out").send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert outcome.reply == f"{tmp_path}/file/out: Not a directory"


def test_a_failed_rename_leaves_no_draft(tmp_path: Path) -> None:
    """What cannot be moved into new is taken away again."""
    path = tmp_path / "out"
    relay = MaildirRelay(path)
    relay.send(ACK)
    (file,) = (path / "new").iterdir()
    file.unlink()
    file.mkdir()
    assert relay.send(ACK).fate is Fate.TRY_LATER
    assert list((path / "tmp").iterdir()) == []


def test_o03_a_bad_address_is_not_stored(tmp_path: Path) -> None:
    """O-03: an envelope that would inject a header field is refused."""
    evil = replace(ACK, rcpt_to="a@b\nBcc: evil@example.com")
    outcome = MaildirRelay(tmp_path / "out").send(evil)
    assert outcome.fate is Fate.REFUSED
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", [None, "elsewhere"])
def test_settings_open_a_maildir_in_the_data_folder(
    tmp_path: Path, path: str | None
) -> None:
    """Without a path it is `outgoing` in the data folder."""
    where = None if path is None else tmp_path / path
    relay = open_relay(Relay(kind="maildir", path=where), tmp_path)
    assert relay.send(ACK).fate is Fate.SENT
    assert len(stored(where or tmp_path / "outgoing")) == 1


def test_settings_open_an_smtp_relay_with_a_password_file(tmp_path: Path) -> None:
    """Host, port, login and name of the settings are those on the wire."""
    secret = tmp_path / "secret"
    secret.write_text("two\n")
    with Sink(features=("AUTH PLAIN",)) as sink:
        settings = Relay(
            kind="smtp",
            host="127.0.0.1",
            port=sink.port,
            user="support",
            password_file=secret,
        )
        relay = open_relay(settings, tmp_path, ehlo_name="support.acme.example")
        assert isinstance(relay, SmtpRelay)
        assert relay.send(ACK).fate is Fate.SENT
        secret.unlink()
        sink.hang_up()
        outcome = relay.send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert f"{secret}: No such file" in outcome.reply
    assert sink.commands[:2] == [
        "ehlo support.acme.example",
        "AUTH PLAIN AHN1cHBvcnQAdHdv",
    ]
