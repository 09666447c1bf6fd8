"""Properties: any bytes yield a message, and what is composed is read again."""

import json
from email.message import EmailMessage

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chamado.parsers.contract import as_contract
from chamado.parsers.message import parse
from chamado.parsers.types import ParsedMessage, Understood
from chamado.parsers.understand import understand
from tests.unit.parsers.mails import corpus, envelope, mail, multipart

SOME = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
SEEDS = [
    mail("Subject: =?utf-8?Q?a?=", "To: a@b.example", "References: <a@b> <c@d>"),
    multipart("mixed", "\ntexto", "Content-Type: image/png; name=a\n\nx"),
    multipart("alternative", "\ntexto", "Content-Type: text/html\n\n<p>x</p>"),
    multipart(
        "report", "\nx", "Content-Type: message/delivery-status\n\nAction: failed"
    ),
    mail("Content-Type: text/plain; format=flowed", body="> a \n> b\n-- \nc\n"),
    mail(body="oi\n\nOn 1/1/2026 10:00, S <s@a.example> wrote:\n> x\n"),
    corpus("quotes.toml"),
]
FRAGMENTS = [
    b"\r\n\r\n", b"\n", b"--b0", b"--b0--", b"From: ", b"Content-Type: multipart/mixed;"
    b" boundary=b0", b"Content-Type: message/rfc822", b"=?utf-8?Q?=C3?=", b"\x00",
    b"Content-Transfer-Encoding: base64", b"charset=utf-7", b"> ", b" wrote:", b"<div>",
    b"\xff\xfe", b"begin 644 x\n", b"Final-Recipient: rfc822;", b"filename*0*=",
    b"\x1b$B",
]  # fmt: skip


def whole(raw: bytes) -> ParsedMessage:
    """Understand bytes and check what always holds of the result."""
    understood = understand(raw, envelope(None), trusted_authserv_ids=("mx.example",))
    message = understood.message
    document = json.dumps(as_contract("a.eml", understood), ensure_ascii=False)
    document.encode("utf-8")
    assert "\x00" not in document.replace("\\u0000", "\x00")
    assert len(message.subject) <= 998
    assert message.from_count != 1 or message.sender is not None
    for attachment in message.attachments:
        assert attachment.size == len(attachment.content)
    for piece in (message.reply, message.signature):
        words = message.text.split()
        assert all(word in words for word in piece.split())
    return message


@SOME
@given(st.binary(max_size=2_000))
def test_any_bytes_yield_a_message(raw):
    """No input raises, and every field of the result is clean."""
    whole(raw)


@SOME
@given(st.lists(st.sampled_from(FRAGMENTS + SEEDS), max_size=30).map(b"".join))
def test_any_mixture_of_mail_yields_a_message(raw):
    """Pieces of mail in any order are read without complaint."""
    whole(raw)


@SOME
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=30),
)
def test_p35_flipped_bytes_yield_a_message(seed, flips):
    """P-35: byte flips over good mail harm nothing but the mail."""
    raw = bytearray(seed)
    for at, value in flips:
        raw[at % len(raw)] = value
    whole(bytes(raw))


WORDS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
    ),
    max_size=200,
)
IDS = st.from_regex(r"[a-z0-9.]{1,30}@[a-z0-9]{1,20}\.example", fullmatch=True)


@SOME
@given(WORDS, WORDS, st.lists(IDS, max_size=5, unique=True))
def test_what_is_composed_is_read_again(subject, body, ids):
    """Subject, text and identifiers survive the way through a message."""
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = "Ana <ana@example.com>"
    message["References"] = " ".join(f"<{one}>" for one in ids)
    message.set_content(body, charset="utf-8", cte="base64")
    read = parse(message.as_bytes())
    assert "".join(read.subject.split()) == "".join(subject.split())
    assert "".join(read.text.split()) == "".join(body.split())
    assert read.references == tuple(ids)
    assert read.from_count == 1


@SOME
@given(st.integers(0, 2), st.binary(max_size=500))
def test_every_rung_of_the_ladder_holds(rung, noise):
    """Headers are read alike on every rung; lower ones only leave more out."""
    raw = mail("Subject: s", "Message-ID: <a@b>", body="olá\n") + noise
    understood: Understood = understand(raw, envelope(), rung=rung)
    message = understood.message
    assert (message.subject, message.message_id) == ("s", "a@b")
    assert message.text.startswith("olá") is (rung < 2)
