"""Who wrote a message: one strict address, whatever its name pretends."""

import pytest

from chamado.parsers.message import parse
from tests.unit.parsers.mails import mail, parsed


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("alice@company.example <bob@evil.example>", "", "bob@evil.example"),
        ('"alice@company.example" <bob@evil.example>', "", "bob@evil.example"),
        ("Support Team <support@us.example> <bob@evil.example>", None, None),
    ],
)
def test_p10_a_name_that_plays_an_address_is_not_shown(value, name, address):
    """P-10: the address in angles is the sender; an address-like name is suppressed."""
    message = parsed(f"From: {value}")
    if address is None:
        assert message.from_count == 0
        return
    assert message.sender is not None
    assert (message.sender.name, message.sender.address) == (name, address)
    assert message.from_count == 1


def test_p12_a_quoted_angle_is_part_of_the_name():
    """P-12: an address inside a quoted string is no address."""
    message = parsed('From: "x\\"@y.example <z@evil.example>" <w@v.example>')
    assert message.sender is not None
    assert message.sender.address == "w@v.example"


def test_p12_a_quoted_local_part_is_never_split_again():
    """P-12: a quoted local part stays quoted."""
    message = parsed('From: "alice@c.example x"@internal.example')
    assert message.sender is not None
    assert message.sender.address == '"alice@c.example x"@internal.example'


def test_p13_an_encoded_angle_moves_no_address():
    """P-13: structure is read before words are decoded."""
    message = parsed("From: =?utf-8?Q?alice=40company.example=3E?= <bob@evil.example>")
    assert message.sender is not None
    assert message.sender.address == "bob@evil.example"
    assert message.sender.name == ""


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        (["From: a@b.example, c@d.example"], 2),
        (["From: a@b.example", "From: c@d.example"], 2),
        (["From: G: a@b.example, c@d.example;"], 2),
        (["From: G:;"], 0),
        (["From: nobody"], 0),
        (["From: <>"], 0),
        (["From: A <a@b.example> trailing"], 0),
        (["From: A <a@b.example"], 0),
        (["From: root <root>"], 0),
        (["From: a@b.example"], 1),
    ],
)
def test_identity_needs_exactly_one_mailbox(fields, count):
    """Several, none or broken senders are counted as what they are."""
    assert parsed(*fields).from_count == count


def test_a_broken_from_is_shown_but_identifies_nobody():
    """What can be recovered is shown to people; it counts for nothing."""
    message = parsed("From: Ana <ana@example.com")
    assert message.sender is not None
    assert message.sender.address == "ana@example.com"
    assert message.from_count == 0


def test_a_from_behind_a_stray_line_is_found():
    """Junk above From does not hide it."""
    message = parse(b"junk without colon\nFrom: Ana <ana@example.com>\n\nx")
    assert message.sender is not None
    assert message.sender.address == "ana@example.com"


def test_h23_homographs_are_different_addresses():
    """H-23: a Cyrillic letter makes another sender."""
    latin, cyrillic = (
        parsed(f"From: {letter}lice@company.example").sender for letter in "aа"
    )
    assert latin is not None
    assert cyrillic is not None
    assert latin.address != cyrillic.address


def test_h24_bidi_controls_in_names_are_visible():
    """H-24: a right-to-left override cannot turn a name around."""
    message = parse(mail("From: =?utf-8?B?4oCuZ3J1b21t?= <a@b.example>"))
    assert message.sender is not None
    assert message.sender.name == "\\u202egruomm"


def test_names_cannot_break_out_of_their_line():
    """Line breaks in an encoded name are gone (O-01)."""
    message = parsed("From: =?utf-8?Q?a=0D=0ABcc:_evil=40x?= <a@b.example>")
    assert message.sender is not None
    assert "\n" not in message.sender.name
    assert "\r" not in message.sender.name


def test_domains_are_lower_case_and_local_parts_are_not():
    """Only the domain of an address ignores case (RFC 5321 §2.4)."""
    message = parsed("From: Ana.Silva@EXAMPLE.Com")
    assert message.sender is not None
    assert message.sender.address == "Ana.Silva@example.com"
