"""Rich text: unpacked, and read as the HTML or the words that it was made of."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.parsers.message import parse
from chamado.parsers.rtf import LARGEST, read_rtf, unpack
from chamado.parsers.types import ParsedMessage, Role
from tests.unit.parsers.containers import msg, png, stored_rtf, tnef
from tests.unit.parsers.mails import multipart

# Both are worked out in the specification (MS-OXRTFCP §3.1, §3.2).
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3"
    "2068656c090020627705b06c647d0a800fa0"
)
CROSSING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
WRAPPED = rb"""{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl
{\f0\fswiss\fcharset0 Arial;}{\f1\fnil\fcharset204 Arial Cyr;}}
{\colortbl\red0\green0\blue0;}
\uc1\pard\plain\deftab360 \f0\fs24
{\*\htmltag19 <html>}{\*\htmltag50 <body>}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 N\'e3o
 abre: {\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 erro \u8364?5\htmlrtf }\htmlrtf0
{\*\htmltag92 </b>}\htmlrtf\par}\htmlrtf0{\*\htmltag72 </p>}
{\*\htmltag84 <img src="cid:tela@x">}{\*\mhtmltag84 <img src="other">}{\f1 \'cf\'f0}
{\*\htmltag58 </body>}{\*\htmltag27 </html>}}"""


@pytest.mark.parametrize(
    ("packed", "rtf"),
    [
        (HELLO, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"),
        (CROSSING, b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
        (stored_rtf(b"{\\rtf1 oi}"), b"{\\rtf1 oi}"),
    ],
)
def test_rich_text_is_unpacked(packed, rtf):
    """Packed, packed over its own end, and stored as it is."""
    assert unpack(packed) == rtf


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\pard oi\par tudo bem?}", "oi\ntudo bem?"),
        (rb"{\rtf1\ansi a\'e7\'e3o \u8364?\u-10179?\u-8704?}", "ação €😀"),
        (rb"{\rtf1\ansi\uc2 \u225ab\'e3c}", "áãc"),
        (rb"{\rtf1{\fonttbl{\f0\fcharset128 X;}}\f0\'95\'5c\'8e\'a6}", "表示"),
        (rb"{\rtf1\ansicpg1251 \'cf\'f0\'e8}", "При"),
        (
            rb"{\rtf1{\*\generator X;}{\info{\author Ana}}oi \{\\\}\~x}",
            "oi {\\}\u00a0x",
        ),
        (rb'{\rtf1{\field{\*\fldinst HYPERLINK "x"}{\fldrslt aqui}}}', "aqui"),
        (rb"{\rtf1{\pict\bin4 }}{{oi}fim}", "fim"),
        (rb"{\rtf1\fromtext a\par {\'95\tab b}\par <c>}", "a\n•\tb\n<c>"),
        (rb"{\rtf1 n\'e3o fechado", "não fechado"),
        (rb"{\rtf1 a}}}}\'zz\b b", "azzb"),
    ],
)
def test_words_come_out_of_rich_text(rtf, text):
    """Letters of every code page, line ends and links; no object and no comment."""
    assert read_rtf(rtf) == (text, False)


def test_html_comes_out_as_it_went_in():
    """What Outlook wrapped for readers of RTF is left out, what it wrapped is not."""
    text, is_html = read_rtf(WRAPPED)
    assert is_html
    assert text == (
        "<html><body><p>Não abre: <b>erro €5</b></p>"
        '<img src="cid:tela@x">\u041f\u0440</body></html>'
    )


def opened(content: bytes, name: str) -> ParsedMessage:
    """Parse a mail that is one file."""
    head = f'Content-Type: application/octet-stream; name="{name}"\n'
    head += "Content-Transfer-Encoding: base64\n\n"
    return parse(multipart("mixed", head + base64.encodebytes(content).decode()))


def test_p33_a_winmail_dat_with_a_rich_body_reads_like_a_mail():
    """P-33: its words, its HTML, and its screenshot where the HTML shows it."""
    tela, logo = png(640, 400), png(90, 30)
    content = tnef(
        files=[
            ("image001.png", tela),
            ("image002.png", logo),
            ("a.pdf", b"%PDF-1.4 x"),
        ],
        rtf=stored_rtf(WRAPPED.replace(b"</p>}", b'</p><img src="cid:logo@x">}')),
        content_ids={"image001.png": "tela@x", "image002.png": "<logo@x>"},
    )
    message = opened(content, "winmail.dat")
    assert message.text == message.reply == "Não abre: erro €5\n\nПр\n"
    assert message.html is not None
    assert "<b>erro €5</b>" in message.html
    assert 'src="cid:tela@x"' in message.html
    assert [(f.name, f.role, f.content_id) for f in message.attachments[1:]] == [
        ("image001.png", Role.SCREENSHOT, "tela@x"),
        ("image002.png", Role.SIGNATURE_IMAGE, "logo@x"),
        ("a.pdf", Role.ATTACHMENT, None),
    ]
    assert message.defects == ()


def test_x02_wrapped_html_is_cleaned_like_any_other():
    """X-02: a script in rich text does not run."""
    evil = rb"{\rtf1\fromhtml1{\*\htmltag <p onclick=x>oi<script>alert(1)</script>}}"
    message = opened(tnef(rtf=stored_rtf(evil)), "winmail.dat")
    assert (message.text, message.html) == ("oi\n", "<p>oi</p>")


def test_a_msg_with_a_rich_body_alone_is_read():
    """The words of the file are those of its RTF."""
    content = msg(
        sender="a@b.example",
        to="c@d.example",
        subject="s",
        body="",
        files={},
        rtf=HELLO,
    )
    (file,) = opened(content, "a.msg").attachments
    assert file.words.endswith("Subject: s\n\nhello world\n")


@pytest.mark.parametrize("cut", range(0, len(HELLO), 5))
def test_a_rich_body_that_is_cut_off_costs_nothing_else(cut):
    """The files are there, and what was wrong is said or the words are there."""
    content = tnef(files=[("a.txt", b"x")], rtf=HELLO[:cut])
    message = opened(content, "winmail.dat")
    assert [f.name for f in message.attachments] == ["winmail.dat", "a.txt"]
    assert not [d for d in message.defects if "whole:" in d]


def test_p22_rich_text_bombs_are_cut():
    """P-22: sizes that lie, groups without end and runs of one letter are bounded."""
    head = struct.pack("<IIII", 0, 0xFFFFFFFF, 0x75465A4C, 0)
    run = b"\x00" + b"{\\rtf1 a" + b"\xff" + b"\x0d\x5f" * 8
    assert len(unpack(head + b"\x00aaaaaaaa" * 400_000)) == LARGEST
    assert unpack(head + run * 100_000)
    for rtf in (b"{" * 900_000, b"\\par " * 200_000, b"\\u233?" * 150_000):
        message = opened(tnef("oi", rtf=stored_rtf(b"{\\rtf1 " + rtf)), "winmail.dat")
        assert message.text == "oi\n"


@given(st.binary(max_size=400))
def test_any_bytes_are_rich_text_or_none(noise):
    """Nothing but ValueError comes out of what is no RTF."""
    for start in (b"", HELLO[:16], HELLO[:30]):
        try:
            unpack(start + noise)
        except ValueError:
            continue
    text, _ = read_rtf(b"{\\rtf1\\fromhtml1 " + noise)
    text.encode()
