"""When an acknowledgement goes out, and when not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chamado.config.address import Address
from chamado.config.settings import Priorities
from chamado.daemon.core.answers import (
    CONDITIONS,
    Asked,
    Caps,
    SentBefore,
    organisation,
    why_not,
)
from chamado.daemon.core.loops import LoopLimits, SenderHistory, why_loop
from chamado.daemon.core.priority import matrix_of, priority_of
from chamado.daemon.core.types import Impact, Priority, Severity
from chamado.parsers.types import Auth, Classification, Envelope, ParsedMessage

ANA = "ana@example.com"
FINE = Asked(
    message=ParsedMessage(sender=Address(address=ANA)),
    classification=Classification(),
    envelope=Envelope(
        mail_from=ANA,
        rcpt_tos=("suporte@acme.example",),
        received_at=datetime(2026, 11, 25, tzinfo=UTC),
    ),
    auth=Auth.ALIGNED,
    require_auth=Auth.ALIGNED,
    sender=ANA,
    own=frozenset({"suporte@acme.example", "bia@acme.example"}),
    names_us=True,
    before=SentBefore(),
    caps=Caps(),
)


def _reply_to(address: str) -> ParsedMessage:
    return replace(FINE.message, reply_to=(Address(address=address),))


#: One case that fails each condition and no earlier one.
FAILING = {
    "disabled": replace(FINE, enabled=False),
    "asked_not_to": replace(FINE, asked_not_to=True),
    "address_unusable": replace(FINE, sender=""),
    "no_sender_address": replace(
        FINE, sender="", message=replace(FINE.message, sender=None)
    ),
    "machine": replace(FINE, classification=Classification(no_ack=True)),
    "null_sender": replace(FINE, envelope=replace(FINE.envelope, mail_from="")),
    "own_address": replace(FINE, sender="bia@acme.example"),
    "sender_not_authenticated": replace(FINE, auth=Auth.PARTIAL),
    "reply_to_elsewhere": replace(FINE, message=_reply_to("x@evil.example")),
    "not_addressed_to_us": replace(FINE, names_us=False),
    "cooling_down": replace(FINE, cooling_down=True),
    "answered_recently": replace(FINE, before=SentBefore(recently=True)),
    "address_day_cap": replace(FINE, before=SentBefore(address_day=5)),
    "domain_hour_cap": replace(FINE, before=SentBefore(domain_hour=50)),
    "hour_cap": replace(FINE, before=SentBefore(all_hour=200)),
}


def test_a_person_the_border_vouches_for_is_answered() -> None:
    """When every condition holds there is no reason against."""
    assert why_not(FINE) is None


@pytest.mark.parametrize("word", [word for word, _ in CONDITIONS])
def test_each_condition_alone_suppresses(word: str) -> None:
    """Every condition has a case that fails it, and says so by its own word."""
    assert why_not(FAILING[word]) == word


def test_a_reply_to_in_the_same_organisation_is_no_reason() -> None:
    """People have their answers sent to a colleague's or a team's address."""
    message = _reply_to("equipe@mail.example.com")
    assert why_not(replace(FINE, message=message)) is None


def test_where_the_border_cannot_tell_nothing_is_demanded() -> None:
    """Without trusted Authentication-Results the caps alone decide."""
    asked = replace(FINE, auth=Auth.NONE, require_auth=Auth.NONE)
    assert why_not(asked) is None


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("mail.acme.com.br", "acme.com.br"),
        ("acme.com.br", "acme.com.br"),
        ("a.b.example.com", "example.com"),
        ("acme.co.uk", "acme.co.uk"),
        ("x.acme.de", "acme.de"),
        ("localhost", "localhost"),
    ],
)
def test_the_registrable_domain_is_near_enough(domain: str, registrable: str) -> None:
    """Two companies below com.br are not one organisation."""
    assert organisation(domain) == registrable


@pytest.mark.parametrize(
    ("history", "subject", "loops"),
    [
        (SenderHistory(), "tela azul", False),
        (SenderHistory(last_ten_minutes=5), "", False),
        (SenderHistory(last_ten_minutes=6), "", True),
        (SenderHistory(last_day=20), "", True),
        (SenderHistory(same_body=2), "", True),
        (SenderHistory(same_body=1), "", False),
        (SenderHistory(), "Recebido [#12] Recebido [#34]", True),
    ],
)
def test_a_loop_is_seen_by_what_a_sender_does(
    history: SenderHistory, subject: str, loops: bool
) -> None:
    """The seventh mail in ten minutes, the same text thrice, two tags at once."""
    assert (why_loop(history, subject, LoopLimits()) is not None) is loops


def test_priority_never_falls_as_severity_or_impact_rise() -> None:
    """The matrix is monotone in both directions and names every priority."""
    severities, impacts = list(Severity), list(Impact)
    matrix = matrix_of(Priorities())
    for impact in impacts:
        column = [priority_of(severity, impact, matrix) for severity in severities]
        assert column == sorted(column)
    for severity in severities:
        assert list(matrix[severity]) == sorted(matrix[severity])
    assert {p for row in matrix.values() for p in row} == set(Priority)
