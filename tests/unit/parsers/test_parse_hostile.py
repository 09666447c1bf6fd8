"""Mail made to hurt: every input yields a message, and soon."""

import base64

import pytest

from chamado.parsers.message import parse
from chamado.parsers.types import ParsedMessage
from tests.unit.parsers.mails import mail, multipart

# A bound for what would never end; tests/integration/verbs/test_hostile_filed.py lets
# the limits of a real child say that none of it is slow.
pytestmark = pytest.mark.timeout(30)


def body(content: bytes, charset: str, encoding: str = "base64") -> bytes:
    """Return a message with an encoded text body under some charset."""
    coded = base64.encodebytes(content) if encoding == "base64" else content
    head = f"From: a@b.example\nContent-Type: text/plain; charset={charset}\n"
    return f"{head}Content-Transfer-Encoding: {encoding}\n\n".encode() + coded


def html(content: str) -> bytes:
    """Return a message that is HTML alone."""
    return mail("Content-Type: text/html; charset=utf-8", body=content)


def test_p01_nul_in_the_charset():
    """P-01: a charset with a NUL in it is an unknown charset."""
    message = parse(b'Content-Type: text/plain; charset="a\x00b"\n\nol\xc3\xa1')
    assert message.text == "olá\n"


def test_p02_broken_encoded_words_in_subject_and_from():
    """P-02: words under impossible charsets are read all the same."""
    message = parse(
        b"Subject: =?a\x00b?Q?hi?=\nFrom: =?x\xe4?Q?=E9?= <c@d.example>\n\nx"
    )
    assert message.sender is not None
    assert message.sender.address == "c@d.example"
    assert "hi" in message.subject


def test_p04_punycode_never_runs():
    """P-04: a quadratic codec named by a stranger is not used."""
    message = parse(body(b"a-" + b"z" * 1_000_000, "punycode"))
    assert message.text.startswith("a-zzz")
    assert "unknown charset 'punycode'" in message.defects


@pytest.mark.parametrize(
    "charset",
    [
        "idna",
        "undefined",
        "unicode_escape",
        "rot13",
        "zlib",
        "hex",
        "x" * 5000,
        "utf-16",
    ],
)
def test_p05_codecs_that_are_no_charsets(charset):
    """P-05: whatever Python has a codec for, mail gets the fallback ladder."""
    message = parse(body("Olá\n".encode() * 20_001, charset))
    assert message.text.startswith("Olá\n")


def test_p05_utf16_of_odd_length():
    """P-05: a truncated UTF-16 body is readable up to its end."""
    message = parse(body("Olá, tudo bem?".encode("utf-16")[:-1], "utf-16"))
    assert message.text.startswith("Olá, tudo bem")


@pytest.mark.parametrize(
    "value", ["," * 200_000, "a@b.example, " * 20_000, "<" * 9_000]
)
def test_p07_endless_address_lists(value):
    """P-07: at most 500 addresses are read, however many there are."""
    message = parse(mail(f"To: {value}"))
    assert len(message.to) <= 500
    if len(value) > 16_384:
        assert "limit: to cut at 500 addresses" in message.defects


@pytest.mark.parametrize("field", ["To", "From", "Cc", "Reply-To", "Date"])
def test_p08_comments_nested_without_end(field):
    """P-08: deep comments end no recursion and identify nobody."""
    message = parse(mail(f"{field}: " + "(" * 50_000 + "a@b.example"))
    assert message.from_count in (0, 1)


def test_p08_a_sender_that_is_all_parentheses_is_nobody():
    """P-08: an unparseable From gives no identity."""
    assert parse(mail("From: " + "(" * 50_000)).from_count == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\n",
        b"\x00",
        b":",
        b"a",
        b"\r",
        b"Subject: only a header",
        b"Subject: x\r\n" + b"X-A: 1\r\n" * 20_000 + b"\r\nbody",
        b"X-Long: " + b"a" * 5_000_000 + b"\r\n\r\nbody",
        b"X\xff: \xfe\r\n\r\n\xfd",
    ],
)
def test_p14_headers_without_end_or_without_anything(raw):
    """P-14: empty, header-only and endless headers give a message."""
    assert isinstance(parse(raw), ParsedMessage)


def test_p14_the_body_behind_an_endless_header_is_still_read():
    """P-14: a header block over its limit is cut and its body is kept."""
    message = parse(b"X-Long: " + b"a" * 5_000_000 + b"\r\n\r\nbody")
    assert message.text == "body\n"
    assert any("header block cut" in defect for defect in message.defects)


@pytest.mark.parametrize("name", ["n" * 10_000, "a_json" * 2_000])
def test_p15_endless_header_names(name):
    """P-15: a name of ten thousand characters is passed over."""
    assert parse(mail("Subject: s", f"{name}: x", "To: a@b.example")).subject == "s"


def test_p17_fifty_thousand_parts():
    """P-17: five hundred parts are read; the rest is kept as one file."""
    raw = multipart("mixed", *["\n" for _ in range(50_000)])
    message = parse(raw)
    assert "limit: more than 500 parts" in message.defects
    assert message.attachments[-1].name == "message.eml"
    assert message.attachments[-1].size > 200_000


def test_p17_a_boundary_that_begins_like_the_outer_one():
    """P-17: boundaries are compared whole."""
    inner = 'Content-Type: multipart/mixed; boundary="b00"\n\n--b00\n\ninner\n--b00--\n'
    assert parse(multipart("mixed", inner, "\nouter")).text == "inner\n\nouter\n"


@pytest.mark.parametrize("boundary", ["", "b" * 5_000, "b0", " ", "--", "(("])
def test_p17_odd_boundaries(boundary):
    """P-17: empty, endless and repeated boundaries lose no word."""
    inner = f'Content-Type: multipart/mixed; boundary="{boundary}"\n\n'
    inner += f"--{boundary}\n\ninner words\n--{boundary}--"
    assert "inner words" in parse(multipart("mixed", inner)).text


def test_p17_nesting_without_end():
    """P-17: thirty levels are opened; deeper ones are shown as text."""
    lines = []
    for level in range(2_000):
        lines.append(f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}")
    message = parse("\n".join(lines).encode())
    assert any("nested deeper" in defect for defect in message.defects)


def test_p17_messages_in_messages():
    """P-17: an attached message is a leaf, however deep it goes on inside."""
    raw = b"Content-Type: message/rfc822\n\n" * 5_000 + b"Subject: x\n\nend"
    message = parse(raw)
    assert [a.role for a in message.attachments] == ["nested_message"]


def test_p17_parts_without_an_empty_line():
    """P-17: hundreds of unfinished headers do not search the message anew each."""
    filler = "x" * 70 + "\n"
    raw = multipart("mixed", *["X-A: 1\n" + filler * 400 for _ in range(490)])
    assert isinstance(parse(raw), ParsedMessage)


@pytest.mark.parametrize(
    "value",
    [
        "text/plain" + ";" * 20_000,
        "text/plain" + "; a=b" * 4_000,
        'text/plain; a="' * 999,
    ],
)
def test_p17_content_types_without_end(value):
    """P-17: parameters are read in linear time."""
    assert parse(mail(f"Content-Type: {value}", body="words\n")).text == "words\n"


def test_p21_subjects_that_look_like_tags():
    """P-21: a subject of twenty thousand opening tags is cut and read at once."""
    assert parse(mail("Subject: " + "[# " * 20_000)).subject.startswith("[# [#")


@pytest.mark.parametrize(
    "content",
    [
        "<a " * 50_000,
        "<!--" * 50_000,
        "<div>" * 100_000,
        "<![" * 20_000,
        "<" * 500_000,
        "<style " * 50_000,
        "<a href='" * 20_000,
        "<b><i><u>" * 20_000,
        "<p>" * 100_000,
        "<table><td>" * 20_000,
        "&" * 500_000,
        "&amp" * 100_000,
        '<div class="gmail_quote">' * 20_000,
        "<blockquote>" * 150 + "x" + "</blockquote>" * 150,
        "<a " + "b=c " * 8_000 + ">x</a>",
        "<select><option>" * 10_000,
        "<svg><math>" * 10_000,
    ],
)
def test_p22_html_bombs(content):
    """P-22: HTML that is expensive to read is shown as text without layout."""
    message = parse(html("<p>first words</p>" + content + "<p>last words</p>"))
    assert "first words" in message.text


@pytest.mark.parametrize(
    "content",
    [
        "On a\n" * 1_000,
        "On 1.1.2020 10:00\n" * 3_000,
        ">" * 1_000_000,
        "> " * 30_000 + "\n",
        ">\n" * 30_000,
        "\n" * 100_000,
        "_" * 1_000_000,
        "a:\n" * 20_000,
        "From: a@b.example\n" * 3_000,
        "-----Original Message-----\n" * 2_000,
        "--\n" * 4_000,
        "Regards,\n" * 5_000,
        "Sent from my iPhone\n" * 3_000,
        "a@b.example wrote:\n" * 3_000,
        "schrieb:\n" * 7_000,
        " \n" * 30_000,
        ("x" * 390 + "\n") * 160,
        "Ana\n" + "x" * 60_000,
        "Ana\n" + "1 " * 30_000,
        "On Mon, 1 Jan 2024 at 10:00, " + "x " * 30_000 + "wrote:\n",
        "(" * 60_000,
        "1/1/1 " * 10_000 + "wrote:",
    ],
)
def test_p23_texts_that_imitate_quotes(content):
    """P-23: the quote splitter is linear, and past 64 KiB it leaves the text whole."""
    message = parse(mail(body="Olá\n\n" + content))
    assert message.text.startswith("Olá\n")
    if len(content) > 65_536:
        assert message.reply == message.text


@pytest.mark.parametrize(
    "content", ["x" * 20_000_000, "http://example.com/x " * 500_000, "é" * 3_000_000]
)
def test_p24_a_text_of_one_line(content):
    """P-24: a first megabyte of characters is shown; the raw mail keeps the rest."""
    message = parse(mail(body=content))
    assert 1_000_000 < len(message.text) <= 1_048_576 + 1
    assert any("text cut" in defect for defect in message.defects)


@pytest.mark.parametrize(
    "coded",
    ["=" * 500_000, "A" * 500_001, "=\n" * 200_000, "A=" * 200_000, "\x00" * 100_000],
)
@pytest.mark.parametrize(
    "encoding", ["base64", "quoted-printable", "x-uuencode", "xyz"]
)
def test_transfer_encodings_that_decode_to_nothing(coded, encoding):
    """Broken transfer encodings end quickly."""
    assert isinstance(parse(body(coded.encode(), "utf-8", encoding)), ParsedMessage)


def test_uuencode_begun_again_and_again():
    """Thousands of beginnings without an end are text."""
    message = parse(mail(body="begin 644 a.txt\n" * 20_000))
    assert message.attachments == ()


@pytest.mark.parametrize(
    "file",
    [
        "begin 644 a.txt\n#0V%T\n`\nend\n",
        "begin \n=ybegin line=128 size=1 name=x\nk\n=yend size=1\n",
    ],
    ids=["uuencode", "yenc"],
)
def test_p17_files_in_the_text_without_end(file):
    """P-17: as many files as any mail may have; the rest stays in the text."""
    parts = ["\nveja", *["Content-Type: a/b\n\nx"] * 30, f"\n{file * 50_000}"]
    message = parse(multipart("mixed", *parts))
    assert len(message.attachments) == 100
    assert "limit: more than 100 attachments" in message.defects
    assert file.split("\n")[-2] in message.text
    parts[-1] = f"\n{file * 69}"
    message = parse(multipart("mixed", *parts))
    assert (len(message.attachments), message.defects) == (99, ())


def test_p17_the_word_begin_leaves_no_file_behind():
    """P-17: as many files as may be were taken, and the text holds none."""
    parts = ["\nlet us begin now", *["Content-Type: a/b\n\nx"] * 100]
    message = parse(multipart("mixed", *parts))
    assert (len(message.attachments), message.defects) == (100, ())


def test_p30_nul_and_surrogates_never_come_through():
    """P-30: NUL, lone surrogates and controls are gone from every field."""
    raw = (
        b"Subject: a\x00b\r\nX-\x00N: v\r\nFrom: \xed\xb0\x80 <a@b.example>\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"\r\nx\x00y \xed\xb0\x80 \x1b[2Jz\x07"
    )
    message = parse(raw)
    for text in (message.subject, message.text, repr(message.headers), message.reply):
        text.encode("utf-8")
        assert "\x00" not in text
        assert "\x1b" not in text
    assert message.subject == "ab"


def test_bounces_that_never_end():
    """A report with a hundred thousand recipients is read up to its bound."""
    block = "Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"
    raw = multipart(
        "report", "\ntext", "Content-Type: message/delivery-status\n\n" + block * 20_000
    )
    message = parse(raw)
    assert message.bounce is not None
    assert len(message.bounce.recipients) <= 100


def test_bounce_prose_that_never_ends():
    """A megabyte of addresses from a mailer daemon is no trouble."""
    text = "could not be delivered\n" + "<a@b.example>: user unknown\n" * 30_000
    message = parse(mail("From: MAILER-DAEMON@x.example", body=text))
    assert message.bounce is not None


@pytest.mark.parametrize("field", ["To", "Cc", "From", "Reply-To"])
def test_thirty_plain_recipients_and_an_odd_one_are_read_in_one_way(field):
    """A list that could be split at each blank in two ways once hung the parser."""
    plain = ", ".join(f"Ana Souza <ana{n}@c{n}.example>" for n in range(60))
    message = parse(mail(f'{field}: {plain}, "Odd, one" (x <odd@example.com>'))
    assert message.subject == ""


@pytest.mark.parametrize(
    "raw",
    [
        mail("References: " + "a" * 60_000),
        mail("In-Reply-To: " + "a b" * 20_000),
        mail("Content-Type: text" + " " * 60_000 + "x"),
        mail(body="*" * 60_000),
        mail(body="> * " * 15_000),
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nQUJD"
        + b"= " * 60_000,
    ],
    ids=["references", "in-reply-to", "type", "stars", "quoted stars", "padding"],
)
def test_a_long_run_of_one_thing_is_read_once(raw):
    """What repeats for kilobytes is not tried from each of its letters anew."""
    parse(raw)


def test_an_id_of_many_octets_is_none():
    """An id of 998 letters can be three times as many octets, too many for an index."""
    message = parse(mail("Message-ID: <" + "漢" * 900 + "@example.com>"))
    assert message.message_id is None
