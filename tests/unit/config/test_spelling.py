"""One spelling of an address, and none of what no letter can go to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.config.spelling import (
    UnusableAddress,
    canonical,
    domain_key,
    identity,
    readable,
)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Ana@Example.COM", "ana@example.com"),
        ("ana@ｅxample．com", "ana@example.com"),
        ("ana@exa\N{MATHEMATICAL BOLD SMALL M}ple。com", "ana@example.com"),
        ("Ana@CAFE\u0301.example", "ana@xn--caf-dma.example"),
        ("ana@XN--caf-dma.example", "ana@xn--caf-dma.example"),
        ("ana@straße.de", "ana@xn--strae-oqa.de"),
        ("ana@STRAẞE.de", "ana@xn--strae-oqa.de"),
        ("ana@ΣΑΣ.example", "ana@xn--mxa9ab.example"),
        ("ana@еxample.com", "ana@xn--xample-2of.com"),
    ],
)
def test_the_spellings_of_an_address_have_one_key(address: str, key: str) -> None:
    """Case, width, composition and A-labels do not matter; other letters do."""
    assert canonical(address) == key
    assert identity(address) == key
    assert domain_key(address.rpartition("@")[2]) == key.rpartition("@")[2]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "josé@example.com",
        "ana@[192.0.2.7]",
        '"a b"@example.com',
        "ana@☃.example",
        "ana@example.com＠evil.example",
        "eri\N{KELVIN SIGN}@example.com",
        "ana@" + "\ufdfa" * 20 + ".example",
    ],
)
def test_what_no_letter_can_go_to_is_nobody(address: str) -> None:
    """A letter that lower-cases to ASCII makes no address of a colleague's either."""
    with pytest.raises(UnusableAddress):
        canonical(address)
    assert identity(address) == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_key_is_its_own_key_and_so_is_what_people_read_of_it(
    local: str, domain: str
) -> None:
    """Whatever is written, keys are stable and their letters lead back to them."""
    for address in (f"{local}@{domain}", f"ana@{domain}", f"ana@xn--{domain}"):
        if key := identity(address):
            assert key.isascii()
            assert identity(key) == key
            assert identity(readable(key)) == key


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("ana@example.com", "ana@example.com"),
        ("ana@xn--caf-dma.example", "ana@café.example"),
        ("xn--a@xn--caf-dma.example", "xn--a@café.example"),
        ("ana@xn--example-.com", "ana@xn--example-.com"),
        ("ana@xn--99999999.example", "ana@xn--99999999.example"),
        ("ana@[xn--x]", "ana@[xn--x]"),
        ("", ""),
    ],
)
def test_people_read_letters_where_they_mean_the_same(key: str, shown: str) -> None:
    """A label that only claims to hold letters is shown as it stands."""
    assert readable(key) == shown
