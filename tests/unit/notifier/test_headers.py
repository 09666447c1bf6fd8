"""Header fields: what they carry arrives, and nothing else ever does."""

import email
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.notifier import headers
from chamado.notifier.headers import UnsafeHeader
from chamado.notifier.text import one_line

LONG_ID = "AM0PR" + "x" * 855 + "@AM0PR02MB1234.eurprd02.prod.outlook.com"


def read(field: str) -> str:
    """Read one field back with the standard library, decoded."""
    message = email.message_from_string(field + "\r\n", policy=policy.compat32)
    assert len(message.keys()) == 1
    return str(make_header(decode_header(message[message.keys()[0]])))


def unfolded(field: str) -> str:
    """Return the value of a field with its folds taken back (RFC 5322 §2.2.3)."""
    return field.partition(": ")[2].replace("\r\n ", " ").removesuffix("\r\n")


def lines_of(field: str) -> list[str]:
    """Return the lines of a field without their CRLF."""
    return field.removesuffix("\r\n").split("\r\n")


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nBcc: e@x",
        "a\nb",
        "a\rb",
        "a\x00b",
        "a\x7fb",
        "a\u2028b",
        "é",
        "",
        " a",
        "a\r\n \r\n b",
        "x" * 1000,
    ],
)
def test_o01_choke_point_refuses_what_is_not_one_field_of_printable_ascii(
    value: str,
) -> None:
    """O-01: nothing but printable ASCII in lines of at most 998 octets becomes a
    field."""
    with pytest.raises(UnsafeHeader):
        headers.field("Subject", value)


@given(st.text(max_size=400))
def test_o01_any_text_is_one_short_field_that_reads_back(value: str) -> None:
    """O-01: whatever a subject holds, it folds at 76 and decodes to its cleaned
    self."""
    field = headers.text("Subject", value)
    if not one_line(value):
        assert field == ""
        return
    assert max(map(len, lines_of(field))) <= 76
    assert read(field) == one_line(value)


@given(st.text(max_size=120))
def test_o01_any_display_name_leaves_one_mailbox(name: str) -> None:
    """O-01: whatever a name holds, the field has one mailbox: ours."""
    field = headers.address("To", name, "ana@example.com")
    message = email.message_from_string(field + "\r\n", policy=policy.default)
    assert [a.addr_spec for a in message["To"].addresses] == ["ana@example.com"]
    # Not display_name: the standard library puts a space between encoded-words there.
    written = read(field).removesuffix(" <ana@example.com>").strip('"')
    assert written == (headers.display_name(name) or "ana@example.com")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ana Souza", "To: Ana Souza <a@b.example>\r\n"),
        ("Dr. Ana", 'To: "Dr. Ana" <a@b.example>\r\n'),
        ("João", "To: =?utf-8?q?Jo=C3=A3o?= <a@b.example>\r\n"),
        (
            "=?utf-8?q?x?=",
            "To: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <a@b.example>\r\n",
        ),
        ("", "To: a@b.example\r\n"),
    ],
)
def test_names_are_written_as_plainly_as_they_can_be(name: str, written: str) -> None:
    """Atoms stay bare, dots get quotes, the rest is one encoded-word."""
    assert headers.address("To", name, "a@b.example") == written


def test_a_tag_before_foreign_letters_stays_readable_for_every_client() -> None:
    """Only from the first foreign word on is a subject encoded."""
    field = headers.text("Subject", "Re: [#1042] Não consigo entrar")
    assert field.startswith("Subject: Re: [#1042] =?utf-8?q?N=C3=A3o")
    assert read(field) == "Re: [#1042] Não consigo entrar"


def test_encoded_words_hold_whole_characters() -> None:
    """Every encoded-word of a folded subject decodes alone (RFC 2047 §5)."""
    value = "日本語のとても長い件名です" * 12
    field = headers.text("Subject", value)
    words = unfolded(field).split(" ")
    assert len(words) > 5
    assert "".join(str(make_header(decode_header(word))) for word in words) == value


def test_o07_long_ids_are_neither_encoded_nor_broken() -> None:
    """O-07: ids of 900 characters are byte-equal once the field is unfolded."""
    assert len(LONG_ID) == 900
    ids = [LONG_ID, "short@example.com", "b" * 200 + "@example.com"]
    field = headers.ids("References", ids)
    assert unfolded(field) == " ".join(f"<{i}>" for i in ids)
    assert all(len(line) <= 998 for line in lines_of(field))
    assert "=?" not in field


@pytest.mark.parametrize(
    "malformed",
    [
        "a b",
        "no-at-sign",
        "<a@b>",
        "a@b> <c@d",
        "a@b\r\nBcc: evil@x",
        "x" * 2000 + "@b",
        "@b",
        "a@",
        "a@b@",
        "é@b",
        "a@b,c@d",
        "",
    ],
)
def test_o07_malformed_ids_are_never_copied(malformed: str) -> None:
    """O-07: an id that is none is left out, and the field with it when none is left."""
    assert headers.ids("In-Reply-To", [malformed]) == ""
    assert headers.references(malformed, [malformed, "good@x"]) == ("good@x",)


def test_references_keep_the_first_and_the_newest_twenty() -> None:
    """A long chain keeps its root and its end, with the parent last and once."""
    chain = [f"{n}@x" for n in range(50)]
    kept = headers.references("30@x", chain)
    assert len(kept) == 20
    assert (kept[0], kept[-2], kept[-1]) == ("0@x", "49@x", "30@x")


def test_date_says_the_zone_of_its_moment() -> None:
    """A moment is written with the offset it is in; without one it is refused."""
    at = datetime(2026, 11, 2, 7, 3, 9, tzinfo=timezone(timedelta(hours=-3)))
    assert headers.date(at) == "Date: Mon, 2 Nov 2026 07:03:09 -0300\r\n"
    assert headers.date(at.astimezone(UTC)).endswith("10:03:09 +0000\r\n")
    with pytest.raises(ValueError, match="time zone"):
        headers.date(at.replace(tzinfo=None))
