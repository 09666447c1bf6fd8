"""Addresses a letter may go to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.notifier.addresses import UnusableAddress, mailbox


@pytest.mark.parametrize(
    "address",
    [
        "a@b\r\nRCPT TO:<e@x>",
        "a b@c",
        "a@b>",
        "<a@b>",
        "a@b,c@d",
        'a"b@c',
        '"a b"@c',
        "a@b c",
        "a@b\x00",
        "x" * 65 + "@example.com",
        "x" * 300 + "@example.com",
        "a@" + "x" * 64 + ".example",
        "a@" + "x." * 130 + "example",
        "a@b..c",
        "a@-b.example",
        "a@[127.0.0.1]",
        "a@",
        "@b",
        "ab",
        "",
    ],
)
def test_o03_what_could_become_a_command_is_no_address(address: str) -> None:
    """O-03: line ends, brackets, spaces and lengths beyond RFC 5321 are refused by
    name."""
    with pytest.raises(UnusableAddress, match="no address to write to"):
        mailbox(address)


@given(st.text(max_size=80))
def test_o03_whatever_passes_is_plain_ascii_without_space_or_bracket(
    address: str,
) -> None:
    """O-03: any text is either refused or one word that SMTP takes as it is."""
    try:
        passed = mailbox(f"{address}@{address}")
    except UnusableAddress:
        return
    assert passed.isascii()
    assert passed.isprintable()
    assert not set(passed) & set(' <>()[]",;:\\')


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ana@example.com", "ana@example.com"),
        ("ana+tag=1@localhost", "ana+tag=1@localhost"),
        ("a..b.@docomo.example", "a..b.@docomo.example"),
        ("ana@café.example", "ana@xn--caf-dma.example"),
        ("ana@CAFÉ.example", "ana@xn--caf-dma.example"),
        ("ana@cafe\u0301.example", "ana@xn--caf-dma.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@例え。テスト", "ana@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_o15_foreign_domains_are_written_in_a_labels(
    address: str, written: str
) -> None:
    """O-15: a domain of any script becomes ASCII, its letters kept apart (IDNA2008)."""
    assert mailbox(address) == written


def test_o15_a_foreign_local_part_is_refused_and_named() -> None:
    """O-15: what needs SMTPUTF8 fails before SMTP, in words that name the address."""
    with pytest.raises(UnusableAddress, match=r"jos\\xe9@example.com.*SMTPUTF8"):
        mailbox("josé@example.com")


@pytest.mark.parametrize(
    "domain", ["a\u200db.example", "☃.example", "a\u202eb.example"]
)
def test_o15_a_domain_of_signs_is_refused(domain: str) -> None:
    """O-15: joiners, symbols and marks of direction are in no domain of people."""
    with pytest.raises(UnusableAddress, match="no letter"):
        mailbox(f"ana@{domain}")
