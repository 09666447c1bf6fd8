"""The commands and their replies, over real sockets."""

import re
from collections.abc import Callable

import pytest

from chamado.config.settings import Listener
from tests.support.smtp import OURS, Client, Serving

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

CODED = re.compile(r"[245]\d\d [245]\.\d{1,3}\.\d{1,3} \S")


def test_ehlo_names_what_is_true(serve: Serve, connect: Connect) -> None:
    """The extensions are these, and AUTH is not among them."""
    client = connect(serve(message_bytes=2_000_000))
    assert client.reply() == "220 mx.acme.example ESMTP"
    assert client.ask("EHLO client.example").split("\n") == [
        "250-mx.acme.example",
        "250-PIPELINING",
        "250-SIZE 2000000",
        "250-8BITMIME",
        "250-SMTPUTF8",
        "250 ENHANCEDSTATUSCODES",
    ]


def test_helo_is_enough_for_a_mail(serve: Serve, connect: Connect) -> None:
    """An old client without extensions gets its mail through."""
    serving = serve()
    assert connect(serving).mail(b"x\r\n", verb="HELO").startswith("250 ")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("AUTH PLAIN AGEAYg==", "500 5.5.1 "),
        ("STARTTLS", "500 5.5.1 "),
        ("LHLO x", "500 5.5.1 "),
        ("EXPN all", "502 5.5.1 "),
        ("XYZZY", "500 5.5.1 "),
        ("", "501 5.5.2 "),
        ("VRFY suporte@acme.example", "252 2.5.0 "),
        ("VRFY nobody@acme.example", "252 2.5.0 "),
        ("VRFY", "501 5.5.4 "),
        ("HELP", "214 2.0.0 "),
        ("HELP MAIL", "214 2.0.0 "),
        ("NOOP", "250 2.0.0 "),
        ("RSET", "250 2.0.0 "),
        ("RSET now", "501 5.5.4 "),
        ("QUIT now", "501 5.5.4 "),
        ("DATA", "503 5.5.1 "),
        ("RCPT TO:<suporte@acme.example>", "503 5.5.1 "),
        ("MAIL", "501 5.5.4 "),
        ("MAIL FROM:", "553 5.1.3 "),
        ("MAIL FROM:<a b@c>", "553 5.1.3 "),
        ("MAIL FROM:<a@b> SIZE=abc", "501 5.5.4 "),
        ("MAIL FROM:<a@b> SIZE=²", "553 5.1.3 "),
        ("MAIL FROM:<a@b> BODY=BINARYMIME", "501 5.5.4 "),
        ("MAIL FROM:<a@b> RET=HDRS", "555 5.5.4 "),
        ("MAIL FROM:<a@b> BODY=8BITMIME SIZE=100", "250 2.1.0 "),
        ("mail from: a@b", "250 2.1.0 "),
        ('MAIL FROM:<"a b"@c>', "250 2.1.0 "),
        (f"MAIL FROM:<{'x' * 600}@b>", "553 5.1.3 "),
    ],
)
def test_each_command_has_its_reply_with_an_enhanced_code(
    serve: Serve, connect: Connect, command: str, reply: str
) -> None:
    """RFC 2034: every reply but the greetings says its enhanced code."""
    client = connect(serve())
    client.greet()
    answer = client.ask(command)
    assert answer.startswith(reply)
    assert CODED.match(answer)
    assert client.ask("QUIT") == "221 2.0.0 Bye"
    assert client.is_closed()


def test_nothing_works_before_a_greeting(serve: Serve, connect: Connect) -> None:
    """MAIL needs EHLO first, in words of the protocol spoken."""
    serving = serve(
        Listener(listen="127.0.0.1:0"),
        Listener(protocol="lmtp", listen="127.0.0.1:0"),
    )
    for listener, verb in enumerate(["EHLO", "LHLO"]):
        client = connect(serving, listener)
        client.reply()
        answer = client.ask("MAIL FROM:<a@b>")
        assert answer == f"503 5.5.1 Send {verb} first"


@pytest.mark.parametrize(
    "recipient",
    [
        "<victim@elsewhere.example>",
        "<victim%elsewhere.example@acme.example>",
        "<suporte%acme.example@elsewhere.example>",
        "<elsewhere.example!victim@acme.example>",
        "<suporte@[127.0.0.1]>",
        "<suporte>",
        "<>",
        "<@a,@b:u@c>",
        "<@acme.example:suporte@acme.example>",
        '<"suporte@acme.example"@elsewhere.example>',
        "<suporte@acme.example@elsewhere.example>",
        "<suporte@acme.example.elsewhere.example>",
        "suporte@acme.example victim@elsewhere.example",
    ],
)
def test_s23_nothing_is_relayed(serve: Serve, connect: Connect, recipient: str) -> None:
    """Only an address that is ours, spelled plainly, is taken."""
    client = connect(serve())
    client.greet()
    client.ask("MAIL FROM:<a@b.example>")
    assert re.match("(550|501|553|555) 5", client.ask(f"RCPT TO:{recipient}"))
    assert client.ask("DATA") == "503 5.5.1 No valid recipients"


def test_an_unknown_recipient_is_told_so(serve: Serve, connect: Connect) -> None:
    """550 5.1.1, and the known one beside it still gets the mail."""
    serving = serve()
    client = connect(serving)
    client.greet()
    client.ask("MAIL FROM:<a@b.example>")
    assert client.ask("RCPT TO:<no@acme.example>") == "550 5.1.1 No such address here"
    assert client.ask("RCPT TO:<Suporte@ACME.example>").startswith("250 ")
    assert client.ask("DATA").startswith("354")
    assert client.ask(b"x\r\n.").startswith("250 ")
    assert serving.rows[0].envelope.rcpt_tos == ("Suporte@ACME.example",)


def test_more_recipients_than_allowed_come_separately(
    serve: Serve, connect: Connect
) -> None:
    """The recipient beyond the limit gets 452, the mail goes to the others."""
    serving = serve(Listener(listen="127.0.0.1:0", max_recipients=2))
    client = connect(serving)
    client.greet()
    client.ask("MAIL FROM:<a@b.example>")
    codes = [client.ask(f"RCPT TO:<{OURS}>")[:9] for _ in range(4)]
    assert codes == ["250 2.1.5", "250 2.1.5", "452 4.5.3", "452 4.5.3"]
    client.ask("DATA")
    assert client.ask(b"x\r\n.").startswith("250 ")


@pytest.mark.parametrize("path", ["<>", " <>", "<> BODY=8BITMIME"])
def test_s22_the_null_sender_is_empty(
    serve: Serve, connect: Connect, path: str
) -> None:
    """A bounce's sender is "" and never the text "<>"."""
    serving = serve()
    client = connect(serving)
    client.greet()
    assert client.ask(f"MAIL FROM:{path}") == "250 2.1.0 Sender accepted"
    assert client.ask(f"RCPT TO:<{OURS}>").startswith("250 ")
    client.ask("DATA")
    assert client.ask(b"x\r\n.").startswith("250 ")
    assert serving.rows[0].envelope.mail_from == ""


def test_s26_an_address_in_utf8_needs_smtputf8(serve: Serve, connect: Connect) -> None:
    """With the parameter the sender is kept as written, without it refused."""
    serving = serve()
    client = connect(serving)
    client.greet()
    refused = client.ask("MAIL FROM:<пример@пример.рф>")
    assert refused == "553 5.6.7 This address needs SMTPUTF8"
    assert client.ask("MAIL FROM:<пример@пример.рф> SMTPUTF8").startswith("250 ")
    assert client.ask(f"RCPT TO:<{OURS}>").startswith("250 ")
    client.ask("DATA")
    content = "Subject: приветствие\r\n\r\n".encode()
    client.send(content + b".\r\n")
    assert client.reply().startswith("250 ")
    assert serving.rows[0].envelope.mail_from == "пример@пример.рф"
    assert serving.rows[0].content == content


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("\x1b[2J", "501 5.5.2 "),
        ("a\tb", "501 5.5.2 "),
        ("a\x00b", "501 5.5.2 "),
        ("a\rb", "501 5.5.2 "),
        ("a\nb", "501 5.5.2 "),
        ("x" * 500, "501 5.5.4 "),
        ("", "501 5.5.4 "),
    ],
)
def test_s27_a_hostile_name_is_refused(
    serve: Serve, connect: Connect, name: str, reply: str
) -> None:
    """No control character of a greeting comes further than the line it is in."""
    client = connect(serve())
    client.reply()
    assert client.ask(f"EHLO {name}").startswith(reply)


def test_a_line_that_is_not_utf8_is_refused(serve: Serve, connect: Connect) -> None:
    """Bytes that are no text are no command."""
    client = connect(serve())
    client.greet()
    assert client.ask(b"MAIL FROM:<\xff@b>").startswith("501 5.5.2 ")


def test_a_line_without_cr_is_told_why(serve: Serve, connect: Connect) -> None:
    """Somebody at a terminal learns at once what is wrong."""
    client = connect(serve())
    client.reply()
    client.send(b"EHLO x\n")
    assert client.reply().endswith("end in CRLF")


def test_an_endless_command_line_ends_the_conversation(
    serve: Serve, connect: Connect
) -> None:
    """A command has room for 2,048 octets and no more memory than that."""
    client = connect(serve())
    client.greet()
    client.send(b"NOOP " + b"x" * 100_000)
    assert client.reply() == "500 5.5.2 Command line too long"
    assert client.is_closed()


def test_pipelined_commands_are_answered_in_order(
    serve: Serve, connect: Connect
) -> None:
    """RFC 2920: a whole transaction in one segment, and the replies in turn."""
    serving = serve()
    client = connect(serving)
    client.greet()
    client.send(
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<no@acme.example>\r\n"
        b"RCPT TO:<suporte@acme.example>\r\nDATA\r\n"
    )
    assert [client.reply()[:3] for _ in range(4)] == ["250", "550", "250", "354"]
    client.send(b"x\r\n.\r\nMAIL FROM:<c@d.example>\r\nRSET\r\nQUIT\r\n")
    assert [client.reply()[:3] for _ in range(4)] == ["250", "250", "250", "221"]
    assert client.is_closed()
    assert len(serving.rows) == 1


def test_replies_to_one_segment_come_in_one_segment(
    serve: Serve, connect: Connect
) -> None:
    """Replies to pipelined commands travel together."""
    client = connect(serve())
    client.greet()
    client.send(b"NOOP\r\n" * 20)
    assert client.sock.recv(65_536) == b"250 2.0.0 OK\r\n" * 20


def test_rset_and_ehlo_forget_the_transaction(serve: Serve, connect: Connect) -> None:
    """After either a DATA finds no recipient."""
    client = connect(serve())
    client.greet()
    for command in ("RSET", "EHLO again.example"):
        client.ask("MAIL FROM:<a@b.example>")
        client.ask(f"RCPT TO:<{OURS}>")
        client.ask(command)
        assert client.ask("DATA").startswith("503 5.5.1 ")


def test_several_mails_on_one_connection_are_several(
    serve: Serve, connect: Connect
) -> None:
    """A transaction ends with its mail; nothing of it reaches the next."""
    serving = serve()
    client = connect(serving)
    client.greet()
    for number in range(5):
        client.transaction(sender=f"n{number}@cliente.example")
        client.send(b"Subject: %d\r\n\r\n.\r\n" % number)
        assert client.reply().startswith("250 2.0.0 Accepted as ")
    assert [row.envelope.mail_from for row in serving.rows] == [
        f"n{number}@cliente.example" for number in range(5)
    ]
    assert {row.envelope.rcpt_tos for row in serving.rows} == {(OURS,)}
