"""The end of a mail, dots, long lines and bare newlines, over real sockets."""

from collections.abc import Callable

import pytest

from chamado.config.settings import Listener
from tests.support.smtp import Client, Serving

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

SMUGGLED = b"MAIL FROM:<e@x>\r\nRCPT TO:<suporte@acme.example>\r\nDATA\r\nx\r\n.\r\n"


def _stranger(**more: object) -> Listener:
    return Listener(listen="127.0.0.1:0", trusted_networks=(), **more)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(b"a\n.\n", id="s01-lf-lf"),
        pytest.param(b"a\n.\r\n", id="s02-lf-crlf"),
        pytest.param(b"a\r\n.\n", id="s03-crlf-lf"),
        pytest.param(b"a\r\n.\rb", id="s04-crlf-cr"),
        pytest.param(b"a\r.\r\n", id="s05-cr-crlf"),
        pytest.param(b"a\r.\rb", id="s06-cr-cr"),
    ],
)
def test_s01_to_s06_a_stranger_smuggles_nothing(
    serve: Serve, connect: Connect, end: bytes
) -> None:
    """Another spelling of the end is refused at once and the connection closed."""
    serving = serve(_stranger())
    client = connect(serving)
    client.begin()
    client.send(end + SMUGGLED)
    assert client.reply() == "521 5.5.2 Lines must end in CRLF"
    assert client.is_closed()
    assert serving.rows == []


def test_a_bare_newline_is_refused_before_any_end(
    serve: Serve, connect: Connect
) -> None:
    """The refusal does not wait for an end of data that may never come."""
    serving = serve(_stranger())
    client = connect(serving)
    client.begin()
    client.send(b"Subject: a\n\nbody\n.\n")
    assert client.reply().startswith("521 5.5.2 ")
    assert client.is_closed()


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_trusted_relay_gets_its_bare_newlines_normalised(
    serve: Serve, connect: Connect, protocol: str
) -> None:
    """What a relay took already is kept as one mail, each line end a CRLF."""
    serving = serve(Listener(protocol=protocol, listen="127.0.0.1:0"))
    client = connect(serving)
    client.begin(verb="LHLO" if protocol == "lmtp" else "EHLO")
    client.send(b"Subject: a\r\n\r\none\n.\ntwo\rthree\n.\r\nMAIL FROM:<e@x>\r\n.\r\n")
    assert client.reply().startswith("250 2.0.0 ")
    assert [row.content for row in serving.rows] == [
        b"Subject: a\r\n\r\none\r\n.\r\ntwo\r\nthree\r\n.\r\nMAIL FROM:<e@x>\r\n"
    ]


@pytest.mark.parametrize(
    ("setting", "trusted", "reply"),
    [
        ("reject", ("127.0.0.0/8",), "521 5.5.2 "),
        ("normalize", (), "250 2.0.0 "),
    ],
)
def test_the_setting_overrules_the_trust(
    serve: Serve,
    connect: Connect,
    setting: str,
    trusted: tuple[str, ...],
    reply: str,
) -> None:
    """bare_newlines says outright what auto would guess."""
    serving = serve(
        Listener(listen="127.0.0.1:0", trusted_networks=trusted, bare_newlines=setting)
    )
    assert connect(serving).mail(b"one\ntwo\r\n").startswith(reply)


def test_s07_a_nul_is_kept_and_ends_nothing(serve: Serve, connect: Connect) -> None:
    """A NUL beside the dot is content like any other."""
    serving = serve(_stranger())
    content = b"a\r\n\x00.\r\nb\r\n"
    assert connect(serving).mail(content).startswith("250 ")
    assert serving.rows[0].content == content


def test_s08_dots_are_taken_away_once(serve: Serve, connect: Connect) -> None:
    """A doubled dot at the start of a line is one dot, exactly."""
    serving = serve(_stranger())
    assert connect(serving).mail(b"..\r\n...x\r\n.y\r\na..\r\n").startswith("250 ")
    assert serving.rows[0].content == b".\r\n..x\r\ny\r\na..\r\n"


@pytest.mark.parametrize("octets", [1_500, 60_000, 500_000])
def test_s24_long_lines_are_taken_as_they_are(
    serve: Serve, connect: Connect, octets: int
) -> None:
    """Bad mailers write lines of any length; the mail is still a customer's."""
    serving = serve(_stranger())
    content = b"Subject: long\r\n\r\n" + b"x" * octets + b"\r\n"
    assert connect(serving).mail(content).startswith("250 ")
    assert serving.rows[0].content == content


def test_blocks_of_one_byte_give_the_same_mail(serve: Serve, connect: Connect) -> None:
    """However the network cuts it, the content is the same."""
    serving = serve(_stranger())
    client = connect(serving)
    client.begin()
    for octet in b"..\r\nab\r\n.\r\n":
        client.send(bytes([octet]))
    assert client.reply().startswith("250 ")
    assert serving.rows[0].content == b".\r\nab\r\n"


def test_an_empty_mail_is_a_mail(serve: Serve, connect: Connect) -> None:
    """Nothing at all between DATA and the dot is accepted and kept."""
    serving = serve(_stranger())
    assert connect(serving).mail(b"").startswith("250 ")
    assert serving.rows[0].content == b""
