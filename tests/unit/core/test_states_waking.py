"""Whether a customer's word wakes a case, or is only filed on it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chamado.config.address import Address
from chamado.daemon.core.types import (
    MatchedBy,
    Proof,
    Status,
    ThreadMatch,
    TicketFacts,
)
from chamado.daemon.core.waking import (
    REOPENED_TOO_OFTEN,
    THANKS,
    WakePolicy,
    Waking,
    waking,
)
from chamado.parsers.types import (
    Attachment,
    Classification,
    Kind,
    ParsedMessage,
    Role,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ANA = Address(name="Ana Souza", address="ana@example.com")
WORD = ParsedMessage(sender=ANA, reply="Voltou a falhar.")
THANK_YOU = ParsedMessage(sender=ANA, reply="Obrigada, Bia!\nAna")
PERSON = Classification()
OUT_OF_OFFICE = Classification(kind=Kind.OUT_OF_OFFICE, no_ack=True, no_reopen=True)
MONITORING = Classification(kind=Kind.AUTO_REPLY, no_ack=True, no_reopen=True)
SIGNED = ThreadMatch(by=MatchedBy.OWN_ID, proof=Proof.SENDER)
BY_REFERENCE = ThreadMatch(by=MatchedBy.REFERENCE, proof=Proof.UNSIGNED)
POLICY = WakePolicy(names=("Bia",))


def ticket(status: Status, **more: object) -> TicketFacts:
    """A case that was resolved an hour ago, if it was."""
    resolved = NOW - timedelta(hours=1) if status is Status.RESOLVED else None
    facts = TicketFacts(
        number=1042,
        status=status,
        team="support",
        participants=frozenset({ANA.address}),
        resolved_at=resolved,
    )
    return replace(facts, **more)  # type: ignore[arg-type]  # facts come as words


def woken(
    status: Status,
    message: ParsedMessage = WORD,
    *,
    kind: Classification = PERSON,
    match: ThreadMatch = SIGNED,
    policy: WakePolicy = POLICY,
    heard: bool = True,
    **more: object,
) -> Waking:
    """Judge one word."""
    facts = ticket(status, **more)
    return waking(message, kind, match, facts, policy, NOW, heard=heard)


@pytest.mark.parametrize("status", [Status.WAITING, Status.RESOLVED])
def test_a_word_wakes_what_waits_or_rests(status: Status) -> None:
    """The customer spoke, so it is our turn again."""
    assert woken(status) == Waking(status=Status.OPEN)


@pytest.mark.parametrize("status", [Status.NEW, Status.OPEN, Status.ESCALATED])
def test_a_word_leaves_a_case_that_is_awake_where_it_is(status: Status) -> None:
    """In particular a new case stays new until a person has answered."""
    assert woken(status) == Waking()


def test_a_word_wakes_the_specialists_case_for_the_specialist() -> None:
    """Who asked gets the answer."""
    found = woken(Status.WAITING, specialty="database")
    assert found.status is Status.ESCALATED


@pytest.mark.parametrize("status", list(Status))
def test_l21_a_machine_wakes_nothing(status: Status) -> None:
    """L-21: an out-of-office is filed, and no case stirs."""
    found = woken(status, kind=OUT_OF_OFFICE)
    assert (found.status, found.elsewhere) == (None, False)


def test_monitoring_on_a_closed_case_is_a_new_case() -> None:
    """An alarm that threads like a person must not vanish on an old case."""
    assert woken(Status.CLOSED, kind=MONITORING, match=BY_REFERENCE).elsewhere


@pytest.mark.parametrize("status", list(Status))
def test_what_is_not_heard_wakes_nothing(status: Status) -> None:
    """Words for agents' eyes only, and loops."""
    assert woken(status, heard=False).status is None


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_l22_a_thank_you_lets_the_case_rest(status: Status) -> None:
    """L-22: filed with a flag and a reason, no new case, nobody woken."""
    found = woken(status, THANK_YOU)
    assert (found.status, found.elsewhere, found.flags) == (None, False, (THANKS,))
    assert '"obrigada"' in found.why
    assert "thanks_reopen" in found.why


def test_a_thank_you_before_the_end_is_a_word() -> None:
    """Somebody who was asked for a log and says thanks has answered."""
    assert woken(Status.WAITING, THANK_YOU).status is Status.OPEN


def test_a_thank_you_reopens_where_the_operator_wants_it() -> None:
    """`[case] thanks_reopen = true`."""
    wanting = replace(POLICY, thanks_reopen=True)
    assert woken(Status.RESOLVED, THANK_YOU, policy=wanting).status is Status.OPEN


def test_a_thank_you_with_a_file_is_a_word() -> None:
    """A picture may be why they wrote; a logo under the name is not."""
    picture = Attachment(
        name="tela.png",
        content_type="image/png",
        size=1,
        sha256="0" * 64,
        role=Role.SCREENSHOT,
    )
    shown = replace(THANK_YOU, attachments=(picture,))
    assert woken(Status.RESOLVED, shown).status is Status.OPEN
    logo = replace(picture, role=Role.SIGNATURE_IMAGE)
    resting = replace(THANK_YOU, attachments=(logo,))
    assert woken(Status.RESOLVED, resting).flags == (THANKS,)


def test_a_word_on_a_closed_case_belongs_on_a_new_one() -> None:
    """Closed is for good; the new case points to the old one."""
    found = woken(Status.CLOSED)
    assert (found.elsewhere, found.status) == (True, None)


@pytest.mark.parametrize(("days", "elsewhere"), [(13, False), (15, True)])
def test_the_window_of_reopening_is_the_operators(
    days: int, *, elsewhere: bool
) -> None:
    """Within [sla] reopen_within the case opens again, later a new one does."""
    found = woken(Status.RESOLVED, resolved_at=NOW - timedelta(days=days))
    assert found.elsewhere is elsewhere
    assert (found.status is Status.OPEN) is not elsewhere


def test_a_case_that_was_merged_takes_no_more_words() -> None:
    """Threading follows a merge; where its target is gone, a new case is safe."""
    assert woken(Status.CLOSED, merged_into=7).elsewhere


@pytest.mark.parametrize(("before", "rests"), [(2, False), (3, True), (30, True)])
def test_reopening_has_a_limit_a_day(before: int, *, rests: bool) -> None:
    """Two machines on a resolved case stop after so many turns, with a flag."""
    found = woken(Status.RESOLVED, reopened=before)
    assert (found.flags == (REOPENED_TOO_OFTEN,)) is rests
    assert (found.status is None) is rests
    assert ("reopens_a_day" in found.why) is rests


def test_the_limit_is_about_reopening_and_nothing_else() -> None:
    """A case that waits for its customer is woken however often it was reopened."""
    assert woken(Status.WAITING, reopened=30).status is Status.OPEN
