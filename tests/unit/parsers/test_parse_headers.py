"""Header fields: words, addresses, dates and identifiers as they really come."""

from datetime import UTC, datetime

import pytest

from chamado.config.address import Address
from chamado.parsers.message import parse
from tests.unit.parsers.mails import mail, parsed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?Q?N=C3=A3o_funciona?=", "Não funciona"),
        ("=?UTF-8?B?TsOjbyBmdW5jaW9uYQ==?=", "Não funciona"),
        ("=?iso-8859-1?q?N=E3o?= =?utf-8?q?_funciona?=", "Não funciona"),
        ("=?utf-8?B?w6c=?= =?utf-8?B?w6Nv?=", "ção"),
        ("=?utf-8?B?w?= =?utf-8?B?6c=?=", "\u00c3\u00a7"),
        ("Re: =?utf-8?Q?a=C3=A7=C3=A3o?= x", "Re: ação x"),
        ("Re:=?utf-8?Q?a=C3=A7?=x", "Re:açx"),
        ("=?utf-8?Q?com espa=C3=A7os?=", "com espaços"),
        ("=?utf-8?Q?sem fim", "=?utf-8?Q?sem fim"),
        ("=?x-nao-existe?Q?ol=C3=A1?=", "olá"),
        ("=?utf-8*pt?Q?ol=C3=A1?=", "olá"),
        ("=?windows-1252?Q?=80_5?=", "€ 5"),
        ("=?iso-8859-1?Q?=93oi=94?=", "“oi”"),
        ("=?gb2312?B?xOO6w4FA?=", "你好丂"),
        ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
        ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?utf-8?Q?=zz=C3=A1?=", "=zzá"),
        ("a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d"),
    ],
)
def test_encoded_words_are_read_as_their_senders_meant_them(value, text):
    """Adjacent, broken, glued and mislabelled encoded words decode (RFC 2047)."""
    if text == "\u00c3\u00a7":
        # Half a base64 quad in each word: nothing sensible can be made of it.
        assert parsed(f"Subject: {value}").subject
        return
    assert parsed(f"Subject: {value}").subject == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Não funciona".encode(), "Não funciona"),
        ("Não funciona".encode("latin-1"), "Não funciona"),
        ("R$ 5 – €".encode("cp1252"), "R$ 5 – €"),
        (b"\x1b$BF|K\\\x1b(B", "日本"),
    ],
)
def test_raw_8_bit_subjects_are_readable(raw, text):
    """Undeclared bytes read as UTF-8, else windows-1252, else ISO-2022-JP."""
    assert parse(b"Subject: " + raw + b"\r\n\r\nx").subject == text


def test_raw_8_bit_header_takes_the_hint_of_the_body():
    """Raw KOI8 in the subject reads by the charset that the body declares."""
    raw = "Привет".encode("koi8-r")
    head = b"Content-Type: text/plain; charset=koi8-r\r\nSubject: "
    assert parse(head + raw + b"\r\n\r\n" + raw).subject == "Привет"


def test_the_first_of_repeated_fields_counts():
    """A second subject is kept in the headers and changes nothing."""
    message = parsed("Subject: um", "Subject: dois")
    assert message.subject == "um"
    assert [h.value for h in message.headers if h.name == "Subject"] == ["um", "dois"]


def test_folded_and_stray_lines_do_not_end_the_header():
    """A line that is no field is passed over when known fields follow it."""
    raw = b"From ana Thu Jan  1\nSubject: um\n dois\ngarbage line\nTo: a@b.example\n\nx"
    message = parse(raw)
    assert message.subject == "um dois"
    assert message.to == (Address(address="a@b.example"),)
    assert message.text == "x\n"
    assert "line in the header that is no field" in message.defects


def test_text_without_any_header_is_text():
    """A message that begins with prose has a body and no headers."""
    message = parse("Olá,\ntudo bem: não\n\nfim\n".encode())
    assert message.text == "Olá,\ntudo bem: não\n\nfim\n"
    assert message.headers == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ana Sá <ana@example.com>", [("Ana Sá", "ana@example.com")]),
        ('"Sá, Ana" <ana@EXAMPLE.com>', [("Sá, Ana", "ana@example.com")]),
        ("ana@example.com (Ana)", [("Ana", "ana@example.com")]),
        (
            "=?utf-8?q?S=C3=A1=2C_Ana?= <ana@example.com>",
            [("Sá, Ana", "ana@example.com")],
        ),
        ("undisclosed-recipients:;", []),
        ("G: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("<@r.example:ana@example.com>", [("", "ana@example.com")]),
        ("'Ana' <ana@example.com>", [("Ana", "ana@example.com")]),
        ("Ana <ana@example.com", [("", "ana@example.com")]),
        ('"Ana <ana@example.com>', [("", "ana@example.com")]),
        ("Ana ana@example.com", [("", "ana@example.com")]),
        ("ana@@example.com", []),
        ("josé@exemplo.com.br", [("", "josé@exemplo.com.br")]),
        ("joão@ação.example", [("", "joão@ação.example")]),
    ],
)
def test_lists_of_addresses_are_read_structurally(value, expected):
    """Quotes, comments, groups and breakage in To give the mailboxes that are there."""
    assert [(a.name, a.address) for a in parsed(f"To: {value}").to] == expected


def test_several_fields_of_recipients_are_one_list():
    """Repeated To fields add up."""
    message = parsed("To: a@b.example", "To: c@d.example", "Cc: e@f.example")
    assert [a.address for a in message.to] == ["a@b.example", "c@d.example"]
    assert [a.address for a in message.cc] == ["e@f.example"]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b> <c@d>", ("a@b", "c@d")),
        ("<a@b>\r\n <c@d>", ("a@b", "c@d")),
        ("<a@\r\n b>", ("a@b",)),
        ("Your message of Monday <a@b>", ("a@b",)),
        ("a@b c@d", ("a@b", "c@d")),
        ("<a@b><a@b>", ("a@b",)),
        ("<no-at-sign>", ("no-at-sign",)),
        ("=?utf-8?q?=3Ca=40b=3E?=", ("a@b",)),
        ("", ()),
        ("<" + "x" * 5000 + "@b>", ()),
    ],
)
def test_lists_of_message_ids_survive_what_programs_do_to_them(value, ids):
    """Folded, encoded, bare and repeated identifiers are read without brackets."""
    assert parsed(f"References: {value}").references == ids


def test_a_long_message_id_is_kept_byte_for_byte():
    """Outlook's long identifiers thread replies and must not change (O-07's mirror)."""
    long_id = "A" * 90 + "@PROD.OUTLOOK.example"
    message = parsed(f"Message-ID:\r\n <{long_id}>", f"In-Reply-To: <{long_id}>")
    assert message.message_id == long_id
    assert message.in_reply_to == (long_id,)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Tue, 17 Nov 2026 10:00:00 -0300", datetime(2026, 11, 17, 13, tzinfo=UTC)),
        ("17 Nov 26 10:00 GMT", datetime(2026, 11, 17, 10, tzinfo=UTC)),
        (
            "Tue, 17 Nov 2026 10:00:00 +0000 (UTC)",
            datetime(2026, 11, 17, 10, tzinfo=UTC),
        ),
        ("Tue, 17 Nov 2026 10:00:00", datetime(2026, 11, 17, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 1 Jan 99999 00:00:00 +0000", None),
        ("999999999999", None),
        ("9" * 5000, None),
        ("Mon, 1 Jan 1900 00:00:00 +0000", None),
        ("Mon, 1 Jan 2200 00:00:00 +0000", None),
    ],
)
def test_p25_dates_out_of_reason_are_no_dates(value, moment):
    """P-25: a readable Date comes in UTC; an absurd one is left out, never made now."""
    assert parsed(f"Date: {value}").date == moment


@pytest.mark.parametrize("value", ["1 Jan 1970 00:00:00 +0000", "1 Jan 2038 00:00 GMT"])
def test_p27_odd_but_possible_dates_are_kept(value):
    """P-27: far dates stay as the sender wrote them: clocks start at arrival anyway."""
    assert parsed(f"Date: {value}").date is not None


def test_p28_an_absurd_received_line_harms_nothing():
    """P-28: a trace line with an impossible date costs the message nothing."""
    message = parsed("Received: from x by y; Mon, 1 Jan 999999999999 00:00:00 +0000")
    assert message.text == "Não consigo acessar.\n"


def test_h16_control_headers_are_only_headers():
    """H-16: fields that steer other systems are kept to be seen and mean nothing
    here."""
    message = parsed("X-Chamado-Ticket: 5", "X-Zammad-Ticket-State: closed")
    plain = parsed()
    assert message.text == plain.text
    assert message.reply_to == plain.reply_to
    assert [h.name for h in message.headers][1:] == [
        "X-Chamado-Ticket",
        "X-Zammad-Ticket-State",
    ]


@pytest.mark.parametrize(
    "name", ["parse", "__class__", "a_json", "message", "defects", "headers_json"]
)
def test_p15_header_names_reach_no_attribute(name):
    """P-15: a field named like something in a program is a field like any other."""
    message = parsed(f"{name}: x", "Subject: s")
    assert message.subject == "s"
    assert (name, "x") in [(h.name, h.value) for h in message.headers]


def test_subjects_are_one_clean_line():
    """Line breaks and controls in an encoded subject cannot leave it (O-01)."""
    message = parsed("Subject: =?utf-8?Q?hi=0D=0ABcc:_evil=40x=00=1B[2J=E2=80=A8z?=")
    assert message.subject == "hi Bcc: evil@x[2J z"


def test_a_subject_is_cut_at_998_characters():
    """Nothing later ever sees an endless subject."""
    assert len(parse(mail("Subject: " + "a" * 60_000)).subject) == 998
