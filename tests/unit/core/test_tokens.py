"""The marks that prove a mail answers ours."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.core.tokens import (
    Keyring,
    id_is_for,
    make_message_id,
    make_token,
    read_message_id,
    read_token,
    token_is_for,
)

OLD = Keyring({1: b"old" * 10})
BOTH = Keyring({1: b"old" * 10, 2: b"new" * 10})
ADDRESSES = st.from_regex(r"[a-z0-9.]{1,20}@[a-z0-9]{1,10}\.example", fullmatch=True)


@given(ticket=st.integers(1, 2**47), address=ADDRESSES)
def test_a_token_is_valid_for_the_address_it_was_made_for(
    ticket: int, address: str
) -> None:
    """Made, upper-cased by a mail system and read again, a token proves itself."""
    claim = read_token(make_token(BOTH, ticket, address).upper())
    assert claim is not None
    assert claim.ticket == ticket
    assert token_is_for(BOTH, claim, address)
    assert not token_is_for(BOTH, claim, "x" + address)


def test_a_token_made_with_an_older_key_stays_valid() -> None:
    """A new key signs what is made now; old mail still finds its case."""
    claim = read_token(make_token(OLD, 7, "ana@example.com"))
    assert claim is not None
    assert token_is_for(BOTH, claim, "ana@example.com")
    assert read_token(make_token(BOTH, 7, "ana@example.com")) != claim


def test_a_token_of_an_unknown_key_is_refused() -> None:
    """A key that was taken out of the ring proves nothing any more."""
    claim = read_token(make_token(BOTH, 7, "ana@example.com"))
    assert claim is not None
    assert not token_is_for(OLD, claim, "ana@example.com")


@pytest.mark.parametrize(
    "text", ["", "x", "a" * 27, "a" * 29, "1" * 28, "ã" * 28, "a" * 10_000]
)
def test_what_has_not_the_form_of_a_token_is_none(text: str) -> None:
    """Any other sub-address is an ordinary sub-address."""
    assert read_token(text) is None


def test_h13_changing_any_character_of_a_token_invalidates_it() -> None:
    """H-13: a token cannot be guessed from another one."""
    token = make_token(BOTH, 1042, "ana@example.com")
    for place in range(len(token)):
        for other in "a2z":
            if token[place] == other:
                continue
            claim = read_token(token[:place] + other + token[place + 1 :])
            # The last character carries two bits that belong to no byte.
            if claim == read_token(token):
                continue
            assert claim is None or not token_is_for(BOTH, claim, "ana@example.com")


def test_h13_a_hundred_thousand_guesses_match_nothing() -> None:
    """H-13: who knows the case, the key's number and the address still has 80 bits to
    guess."""
    token = make_token(BOTH, 1042, "ana@example.com")
    dice = Random(13)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    matches = 0
    for _ in range(100_000):
        claim = read_token(token[:-16] + "".join(dice.choices(letters, k=16)))
        matches += claim is not None and token_is_for(BOTH, claim, "ana@example.com")
    assert matches == 0


@given(ticket=st.integers(1, 10**12), random=st.binary(min_size=10, max_size=10))
def test_a_message_id_is_valid_for_its_recipient_only(
    ticket: int, random: bytes
) -> None:
    """Our Message-IDs are bound to the one address the letter went to."""
    made = make_message_id(BOTH, "reply", ticket, random, "a@b.example", "us.example")
    assert re.fullmatch(r"reply\.\d+\.[a-z2-7]+\.[0-9a-z]+@us\.example", made)
    claim = read_message_id(made, "us.example")
    assert claim is not None
    assert (claim.kind, claim.ticket) == ("reply", ticket)
    assert id_is_for(BOTH, claim, "a@b.example")
    assert not id_is_for(BOTH, claim, "c@b.example")


@pytest.mark.parametrize(
    "message_id",
    [
        "reply.1.aaaaaaaa@us.example",
        "reply.1.aaaaaaaa.1aaaaaaaaaaaaaaaa@them.example",
        "reply.x.aaaaaaaa.1aaaaaaaaaaaaaaaa@us.example",
        "reply.1.aaaaaaaa.1aaaaaaaaaaaaaaa1@us.example",
        "",
    ],
)
def test_a_foreign_message_id_is_none(message_id: str) -> None:
    """Only the exact form at our own domain is looked at as ours."""
    assert read_message_id(message_id, "us.example") is None


def test_kinds_do_not_stand_in_for_each_other() -> None:
    """The MAC covers the kind: an acknowledgement's id is no reply's id."""
    made = make_message_id(BOTH, "ack", 5, b"0123456789", "a@b.example", "us.example")
    claim = read_message_id(made.replace("ack.", "reply.", 1), "us.example")
    assert claim is not None
    assert not id_is_for(BOTH, claim, "a@b.example")
