"""A door that verifies: what it finds decides, for its own mail only."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from chamado.config.settings import Listener
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from chamado.parsers.types import Auth, Envelope, ParsedMessage
from tests.support.house import House, house, message

OPEN = Listener(listen="127.0.0.1:2525", verify=True)
INSIDE = Listener(listen="127.0.0.1:2526")


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house with a door that verifies and one that cannot tell."""
    with house(store, pool, tmp_path, listener=(OPEN, INSIDE)) as built:
        yield built


@pytest.mark.parametrize(
    ("found", "ack"),
    [(Auth.ALIGNED, "queued"), (Auth.NONE, "suppressed:sender_not_authenticated")],
)
def test_what_a_door_finds_out_decides(home: House, found: Auth, ack: str) -> None:
    """Only proven senders are acknowledged, and the entry says who was proven."""
    seen: list[bytes] = []

    def vouch(raw: bytes, parsed: ParsedMessage, envelope: Envelope) -> Auth:
        seen.append(raw)
        assert parsed.sender is not None
        return found

    home.processor.vouch = vouch
    raw = message(text="x" * 200_000)
    fate = home.mail(raw, source="smtp:127.0.0.1:2525")
    assert (fate["auth"], fate["ack"]) == (found.value, ack)
    assert seen == [raw]
    other = message(sender="Rui <rui@example.com>", message_id="<r@example.com>")
    fate = home.mail(other, source="smtp:127.0.0.1:2526")
    assert fate["auth"] == "none"
    assert len(seen) == 1


def test_large_files_do_not_wait_for_the_dns_in_memory(home: House) -> None:
    """They are in the blob store while it is asked who wrote."""
    held: list[tuple[int, bytes]] = []

    def vouch(raw: bytes, parsed: ParsedMessage, envelope: Envelope) -> Auth:
        held.extend((file.size, file.content) for file in parsed.attachments)
        return Auth.ALIGNED

    home.processor.vouch = vouch
    raw = (
        b"From: ana@example.com\r\nSubject: s\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\n\r\noi\r\n--b\r\nContent-Type: a/b; name=a.bin\r\n\r\n"
        + b"x" * 200_000
        + b"\r\n--b--\r\n"
    )
    fate = home.mail(raw, source="smtp:127.0.0.1:2525")
    assert fate["outcome"] == "ticket_opened"
    assert held == [(200_000, b"")]


def test_mail_of_another_door_does_not_wait_for_the_dns(home: House) -> None:
    """While the DNS is silent about ten mails, one that needs no question is filed."""
    answered = Event()

    def vouch(raw: bytes, parsed: ParsedMessage, envelope: Envelope) -> Auth:
        assert answered.wait(60)
        return Auth.ALIGNED

    home.processor.vouch = vouch
    waiting = [
        home.take(
            message(sender=f"c{n}@example.com", message_id=f"<{n}@example.com>"),
            source="smtp:127.0.0.1:2525",
        )
        for n in range(10)
    ]
    fate = home.mail(message(), source="smtp:127.0.0.1:2526")
    assert fate["outcome"] == "ticket_opened"
    assert {home.fate(id_)["state"] for id_ in waiting} == {"received"}
    answered.set()
    home.process(*waiting)
    assert {home.fate(id_)["auth"] for id_ in waiting} == {"aligned"}
