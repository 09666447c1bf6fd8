"""LMTP over TCP and over a Unix socket (RFC 2033)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chamado.config.settings import Listener
from tests.support.smtp import OURS, Client, Serving

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

OTHER = "vendas@acme.example"


def _lmtp(**more: object) -> Listener:
    return Listener(protocol="lmtp", listen="127.0.0.1:0", **more)


def _knows(address: str) -> bool:
    return address in (OURS, OTHER)


def test_lhlo_names_what_rfc_2033_demands(serve: Serve, connect: Connect) -> None:
    """PIPELINING and ENHANCEDSTATUSCODES are there; EHLO and HELO are not."""
    client = connect(serve(_lmtp()))
    assert client.reply() == "220 mx.acme.example LMTP"
    for verb in ("EHLO", "HELO"):
        assert client.ask(f"{verb} x").startswith("500 5.5.1 ")
    keywords = client.ask("LHLO x").split("\n")
    assert {"250-PIPELINING", "250 ENHANCEDSTATUSCODES"} <= set(keywords)


def test_s14_each_accepted_recipient_has_its_reply_in_order(
    serve: Serve, connect: Connect
) -> None:
    """Two good, one unknown, one twice: three replies, and one row for two people."""
    serving = serve(_lmtp(), knows=_knows)
    client = connect(serving)
    client.greet("LHLO")
    client.send(
        b"MAIL FROM:<a@b.example>\r\n"
        b"RCPT TO:<suporte@acme.example>\r\n"
        b"RCPT TO:<nobody@acme.example>\r\n"
        b"RCPT TO:<vendas@acme.example>\r\n"
        b"RCPT TO:<suporte@acme.example>\r\n"
        b"DATA\r\n"
    )
    codes = [client.reply()[:3] for _ in range(6)]
    assert codes == ["250", "250", "550", "250", "250", "354"]
    client.send(b"x\r\n.\r\nNOOP\r\n")
    answers = [client.reply() for _ in range(4)]
    assert {answer[:9] for answer in answers[:3]} == {"250 2.0.0"}
    assert answers[3] == "250 2.0.0 OK"
    (raw,) = serving.rows
    assert raw.envelope.rcpt_tos == (OURS, OTHER)
    assert raw.source == "lmtp:127.0.0.1:0"
    assert raw.source_key.startswith("smtp:")


def test_data_without_a_recipient_is_503(serve: Serve, connect: Connect) -> None:
    """RFC 2033 §4.2: where none was accepted there is nothing to send."""
    client = connect(serve(_lmtp()))
    client.greet("LHLO")
    client.ask("MAIL FROM:<a@b.example>")
    client.ask("RCPT TO:<nobody@acme.example>")
    assert client.ask("DATA") == "503 5.5.1 No valid recipients"


@pytest.mark.parametrize("trouble", ["store", "size", "hops"])
def test_a_refusal_after_the_dot_is_said_to_each(
    serve: Serve, connect: Connect, trouble: str
) -> None:
    """Replies are as many as recipients also when they are bad news."""
    serving = serve(_lmtp(), knows=_knows, message_bytes=10_000)
    serving.door.refuse = lambda _: True
    content, code = {
        "store": (b"x\r\n", "451 4.3.0"),
        "size": (b"x" * 11_000 + b"\r\n", "552 5.3.4"),
        "hops": (b"Received: x\r\n" * 100, "554 5.4.6"),
    }[trouble]
    client = connect(serving)
    assert client.mail(content, OURS, OTHER, verb="LHLO").startswith(code)
    assert client.reply().startswith(code)
    assert client.ask("NOOP") == "250 2.0.0 OK"


def test_lmtp_by_a_unix_socket(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """The socket file lives as long as the source; its clients are trusted."""
    path = tmp_path / "lmtp.sock"
    serving = serve(Listener(protocol="lmtp", listen=f"unix:{path}"))
    assert serving.address() == f"unix:{path}"
    client = connect(serving)
    assert client.mail(b"one\ntwo\r\n", verb="LHLO").startswith("250 ")
    (raw,) = serving.rows
    assert raw.content == b"one\r\ntwo\r\n"
    assert raw.envelope.peer == ""
    assert raw.source == f"lmtp:unix:{path}"
    serving.close()
    assert not path.exists()
