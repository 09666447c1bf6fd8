"""Who is asked, what a token and a nonce prove, which votes are believed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chamado.daemon.core.survey import (
    CONDITIONS,
    NONCE_LIVES,
    TOKEN,
    Checked,
    in_a_hurry,
    make_nonce,
    masked,
    nonce_is_good,
    token_hash,
    token_text,
    tokens_in,
    why_not,
)
from chamado.daemon.core.tokens import Keyring, make_token, read_token
from chamado.daemon.core.types import Status

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RING = Keyring({1: b"k" * 32})
TOKEN_A, TOKEN_B = token_text(bytes(range(16))), token_text(b"\xff" * 16)
FINE = Checked(
    enabled=True,
    status=Status.RESOLVED,
    newest=True,
    merged=False,
    woken=False,
    address="ana@example.com",
    own=frozenset({"suporte@acme.example"}),
    machine=False,
    undelivered=False,
    opted_out=False,
    asked_recently=False,
    quiet=False,
)
AGAINST = {
    "disabled": {"enabled": False},
    "merged": {"merged": True},
    "resolved_again": {"newest": False},
    "reopened": {"status": Status.OPEN},
    "no_address": {"address": ""},
    "own_address": {"address": "suporte@acme.example"},
    "machine_address": {"machine": True},
    "opted_out": {"opted_out": True},
    "bounced": {"undelivered": True},
    "quiet": {"quiet": True},
    "asked_recently": {"asked_recently": True},
}


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_a_customer_of_an_ended_case_is_asked(status: Status) -> None:
    """Nothing speaks against it, whether the case was closed in the meantime or not."""
    assert why_not(replace(FINE, status=status)) is None


@pytest.mark.parametrize("reason", AGAINST)
def test_every_condition_has_its_reason(reason: str) -> None:
    """One thing that is wrong is enough, and it is named."""
    assert why_not(replace(FINE, **AGAINST[reason])) == reason


def test_every_condition_is_tried() -> None:
    """The table of conditions and this test know the same reasons."""
    assert [word for word, _ in CONDITIONS] == list(AGAINST)


def test_a_case_that_woke_is_not_asked_about_even_when_it_is_closed_again() -> None:
    """Reopened, waiting, silent, closed: nobody answered, so nobody asks how it was."""
    found = replace(FINE, status=Status.CLOSED, woken=True)
    assert why_not(found) == "reopened"


def test_a_token_is_128_bits_that_no_address_token_looks_like() -> None:
    """Both stand behind a + in an address; neither is read as the other."""
    assert TOKEN.fullmatch(TOKEN_A)
    assert read_token(TOKEN_A) is None
    assert tokens_in([make_token(RING, 7, "ana@example.com")]) == ()


def test_tokens_are_found_in_addresses_and_subjects_in_any_case() -> None:
    """Some servers write the local part in capitals; a subject has words around."""
    found = tokens_in([TOKEN_A.upper(), f"5 {TOKEN_B}", "nothing here", f"x{TOKEN_A}"])
    assert found == (TOKEN_A, TOKEN_B)
    assert token_hash(TOKEN_A.upper()) == token_hash(TOKEN_A)


def test_any_text_has_a_hash() -> None:
    """A lone surrogate from a path is no reason to fall over."""
    assert len(token_hash("\ud800é")) == 64


def test_a_letter_shown_to_agents_has_no_token_in_it() -> None:
    """Whoever reads the case cannot vote for the customer."""
    text = f"https://x.example/survey/{TOKEN_A}?score=5 mailto:a+{TOKEN_B}@x.example"
    assert masked(text) == "https://x.example/survey/…?score=5 mailto:a+…@x.example"
    assert masked(f"mailto:a@x.example?subject=5%20{TOKEN_A}")[-5:] == "5%20…"


def test_a_nonce_is_good_for_its_survey_and_for_a_day() -> None:
    """It proves that the form was read, of this survey, not too long ago."""
    hashed = token_hash(TOKEN_A)
    nonce = make_nonce(RING, hashed, NOON)
    assert nonce_is_good(RING, hashed, nonce, NOON)
    assert nonce_is_good(RING, hashed, nonce, NOON + NONCE_LIVES)
    late = NOON + NONCE_LIVES + timedelta(seconds=1)
    assert not nonce_is_good(RING, hashed, nonce, late)
    assert not nonce_is_good(RING, hashed, nonce, NOON - timedelta(minutes=6))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda n: "",
        lambda n: n[:-1],
        lambda n: n.replace("1.", "2.", 1),
        lambda n: n[:-1] + ("a" if n[-1] != "a" else "b"),
        lambda n: n.replace(n.split(".")[1], "1"),
        lambda n: n + "x",
        lambda n: "1.999999999999." + n.split(".")[2],
        lambda n: "9" * 5000,
        lambda n: "é\ud800",
    ],
)
def test_v04_a_spoilt_nonce_is_no_nonce(spoil: object) -> None:
    """V-04: edited, cut, of another key, of another time, or no nonce at all."""
    assert callable(spoil)
    hashed = token_hash(TOKEN_A)
    nonce = make_nonce(RING, hashed, NOON)
    assert not nonce_is_good(RING, hashed, spoil(nonce), NOON)
    assert not nonce_is_good(RING, token_hash(TOKEN_B), nonce, NOON)


@pytest.mark.parametrize(
    ("before", "score", "hurried"),
    [
        ([], 5, False),
        ([(1, 5)], 5, False),
        ([(1, 4)], 5, False),
        ([(1, 4), (2, 5)], 4, False),
        ([(1, 4), (2, 3)], 5, True),
        ([(1, 4), (6, 3)], 5, False),
        ([(5, 4), (5, 3)], 5, True),
        ([(1, 1), (1, 2), (1, 3), (1, 4)], 5, True),
    ],
)
def test_v01_three_scores_within_five_seconds_are_no_person(
    before: list[tuple[int, int]], score: int, *, hurried: bool
) -> None:
    """V-01: one change of mind is believed however quick it is; a third score is
    not."""
    votes = [(NOON - timedelta(seconds=ago), one) for ago, one in before]
    assert in_a_hurry(votes, score, NOON) is hurried
