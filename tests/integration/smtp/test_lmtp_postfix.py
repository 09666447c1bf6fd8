"""A real Postfix that relays to us by LMTP and by SMTP."""

import smtplib
from collections.abc import Callable
from pathlib import Path

import pytest

from chamado.config.settings import Listener
from tests.support.postfix import Postfix
from tests.support.smtp import OURS, Serving, wait_for

Serve = Callable[..., Serving]

pytestmark = [pytest.mark.postfix, pytest.mark.xdist_group("postfix")]

OTHER = "vendas@acme.example"
UNKNOWN = "ninguem@acme.example"
MAIL = "Subject: ajuda\r\nFrom: ana@cliente.example\r\n\r\nolá, {0}\r\n"


def _knows(address: str) -> bool:
    return address in (OURS, OTHER)


def _send(postfix: Postfix, *recipients: str, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=20) as client:
        client.sendmail("ana@cliente.example", recipients, text.encode())


def _transport(serving: Serving) -> str:
    protocol = serving.source.bound[0].source[:4]
    return (
        f"{protocol}:inet:{serving.address()}"
        if protocol == "lmtp"
        else (f"smtp:{serving.address()}")
    )


def test_s14_postfix_empties_its_queue_in_one_pass(
    serve: Serve, postfix: Postfix
) -> None:
    """Three recipients, one unknown: two get the mail once, nothing stays behind."""
    serving = serve(Listener(protocol="lmtp", listen="127.0.0.1:0"), knows=_knows)
    postfix.relay_to(_transport(serving))
    _send(postfix, OURS, UNKNOWN, OTHER, text=MAIL.format("s14"))
    serving.door.ledger.wait_for_rows(1)
    postfix.wait_until_empty()
    (raw,) = serving.rows
    assert set(raw.envelope.rcpt_tos) == {OURS, OTHER}
    assert raw.envelope.mail_from == "ana@cliente.example"
    assert raw.content.endswith("olá, s14\r\n".encode())
    assert len(serving.door.offered) == 1


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_postfix_delivers_many_mails_once_each(
    serve: Serve, postfix: Postfix, protocol: str
) -> None:
    """Fifty mails over the connections Postfix keeps: fifty rows, none twice."""
    serving = serve(Listener(protocol=protocol, listen="127.0.0.1:0"), knows=_knows)
    postfix.relay_to(_transport(serving))
    for number in range(50):
        text = MAIL.format(f"{protocol} {number}") + "x" * 2_000 + "\r\n.dot\r\n"
        _send(postfix, OURS, OTHER, text=text)
    serving.door.ledger.wait_for_rows(50)
    postfix.wait_until_empty()
    assert len(serving.door.offered) == 50
    assert all(raw.content.endswith(b"\r\n.dot\r\n") for raw in serving.rows)


def test_postfix_keeps_what_we_cannot_store(serve: Serve, postfix: Postfix) -> None:
    """A 451 leaves the mail with Postfix, and it comes again."""
    serving = serve(Listener(protocol="lmtp", listen="127.0.0.1:0"), knows=_knows)
    serving.door.refuse = lambda _: True
    postfix.relay_to(_transport(serving))
    _send(postfix, OURS, OTHER, text=MAIL.format("451"))
    serving.door.ledger.wait_until(lambda: bool(serving.door.offered))
    wait_for(lambda: [mail["queue_name"] for mail in postfix.queue()] == ["deferred"])
    (kept,) = postfix.queue()
    for recipient in kept["recipients"]:
        assert "451 4.3.0 Temporary failure" in recipient["delay_reason"]
    serving.door.refuse = lambda _: False
    postfix.flush()
    serving.door.ledger.wait_for_rows(1)


def test_postfix_delivers_by_a_unix_socket(
    serve: Serve, postfix: Postfix, tmp_path: Path
) -> None:
    """The deployment behind a border server: LMTP over a socket file."""
    path = postfix.folder / "lmtp.sock"
    serving = serve(Listener(protocol="lmtp", listen=f"unix:{path}"), knows=_knows)
    # As an operator would, by putting postfix into the group of the socket.
    path.chmod(0o666)
    postfix.relay_to(f"lmtp:unix:{path}")
    _send(postfix, OURS, text=MAIL.format("unix"))
    serving.door.ledger.wait_for_rows(1)
    assert serving.rows[0].source == f"lmtp:unix:{path}"
