"""Triage on arrival: address, words, rules, and the reasons that are kept."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.config.settings import Priorities, Rule, SupportAddress
from chamado.config.settings import Triage as Words
from chamado.daemon.core.arrival import (
    Arrival,
    Arrived,
    Triage,
    compiled,
    pattern_of,
    tags_of,
)
from chamado.daemon.core.types import Impact, Priority, Severity
from chamado.parsers.types import Header, Kind, ParsedMessage

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SUPPORT = SupportAddress(address="suporte@acme.example")


def arrival(*rules: Rule, words: Words | None = None) -> Arrival:
    """Compile rules with the words that ship."""
    return compiled(rules, words or Words(), Priorities())


def arrived(
    subject: str = "Tela azul",
    reply: str = "Acontece ao enviar.",
    *,
    sender: str = "ana@example.com",
    kind: Kind = Kind.PERSON,
    headers: tuple[Header, ...] = (),
    size: int = 1000,
    recipients: tuple[str, ...] = ("suporte@acme.example",),
) -> Arrived:
    """A message as triage sees it."""
    return Arrived(
        message=ParsedMessage(subject=subject, reply=reply, headers=headers),
        kind=kind,
        sender=sender,
        recipients=recipients,
        size=size,
    )


def triage(
    rule: Rule | None = None, support: SupportAddress = SUPPORT, **message: Any
) -> Triage:
    """Triage one message by one rule."""
    rules = (rule,) if rule else ()
    return arrival(*rules).triage(arrived(**message), support)


def rule(**given: Any) -> Rule:
    """Make a rule."""
    return Rule(name="r", **given)


def test_without_a_voice_a_case_is_normal() -> None:
    """Nothing said means normal severity, medium impact, p3, and no reasons."""
    assert triage() == Triage()


@pytest.mark.parametrize(
    ("subject", "reply", "severity"),
    [
        ("URGENTE: nota fiscal", "", Severity.HIGH),
        ("Nota", "O sistema parado desde ontem", Severity.CRITICAL),
        ("Nota", "todos os usuarios sem acesso", Severity.CRITICAL),
        ("Nota", "TODOS OS USUÁRIOS sem acesso", Severity.CRITICAL),
        ("Site is down!", "please help", Severity.CRITICAL),
        ("urgente, fora do ar", "", Severity.CRITICAL),
        ("Dúvida sobre relatório", "", Severity.LOW),
        ("Duvida urgente", "", Severity.HIGH),
        ("Nota", "urgentemente", Severity.NORMAL),
        ("Nota", "não é urgente", Severity.NORMAL),
        ("Nota", "Isto nao e muito urgente.", Severity.NORMAL),
        ("Nota", "it's not urgent", Severity.NORMAL),
        ("Nota", "no es urgente", Severity.NORMAL),
        ("Nota", "não funciona. Urgente!", Severity.HIGH),
        ("Nota", "não consigo trabalhar", Severity.HIGH),
        ("Não é urgente", "mas agora é urgente", Severity.HIGH),
    ],
)
def test_the_most_severe_word_counts(
    subject: str, reply: str, severity: Severity
) -> None:
    """Whole words in subject or new text, without accents or case; denials count."""
    assert triage(subject=subject, reply=reply).severity is severity


def test_the_reason_names_the_word() -> None:
    """`why` can say which word it was."""
    (reason,) = triage(subject="fora do ar").reasons
    assert reason == 'word "fora do ar": severity critical'


def test_the_address_is_the_weakest_voice() -> None:
    """An address has a severity and an impact, and a word says otherwise."""
    vip = SupportAddress(address="vip@acme.example", severity="high", impact="high")
    by_address = triage(support=vip)
    assert (by_address.severity, by_address.impact) == (Severity.HIGH, Impact.HIGH)
    assert by_address.priority is Priority.P1
    assert by_address.reasons == ("address vip@acme.example: severity high",)
    by_word = triage(support=vip, subject="sugestão")
    assert (by_word.severity, by_word.priority) == (Severity.LOW, Priority.P3)


def test_a_rule_is_the_strongest_voice() -> None:
    """What an operator wrote down beats words and address."""
    found = triage(rule(subject="*", severity="low"), subject="urgente")
    assert found.severity is Severity.LOW
    assert found.reasons == (
        'word "urgente": severity high',
        "rule r: severity low",
    )


def test_the_first_rule_that_names_a_property_has_it_and_tags_add_up() -> None:
    """Later rules may set more, not something else."""
    found = arrival(
        rule(sender="*", team="billing", tags=("a",)),
        rule(sender="nobody@*", assignee="x@acme.example"),
        rule(sender="*", team="sales", impact="high", tags=("b", "A")),
    ).triage(arrived(), SUPPORT)
    assert (found.team, found.impact, found.tags) == (
        "billing",
        Impact.HIGH,
        ("a", "b"),
    )
    assert found.assignee is None
    assert found.priority is Priority.P2


def test_a_rule_can_set_the_priority_itself() -> None:
    """Then severity and impact do not decide it."""
    found = triage(rule(sender="*", priority="p1", severity="low"))
    assert (found.severity, found.priority) == (Severity.LOW, Priority.P1)


@pytest.mark.parametrize(
    ("given", "message", "fits"),
    [
        ({"sender": "*@example.com"}, {}, True),
        ({"sender": "ANA@EXAMPLE.COM"}, {}, True),
        ({"sender": "ana@example.co"}, {}, False),
        ({"sender": "an?@example.com"}, {}, True),
        ({"recipient": "suporte@*"}, {}, True),
        ({"recipient": "vendas@*"}, {}, False),
        ({"subject": "*azul"}, {}, True),
        ({"subject": "azul"}, {}, False),
        ({"kind": "person"}, {}, True),
        ({"kind": "auto_*"}, {"kind": Kind.AUTO_REPLY}, True),
        ({"larger_than": 999}, {}, True),
        ({"larger_than": 1000}, {}, False),
        ({"header": "x-env: prod*"}, {}, True),
        ({"header": "X-Env:*"}, {}, True),
        ({"header": "X-Env: test"}, {}, False),
        ({"header": "X-Other: *"}, {}, False),
        ({"sender": "*@example.com", "subject": "x"}, {}, False),
        ({}, {}, True),
    ],
)
def test_every_condition_that_is_given_must_hold(
    given: dict[str, Any], message: dict[str, Any], fits: bool
) -> None:
    """Each condition alone, and two together."""
    headers = (
        Header(name="X-Env", value="staging"),
        Header(name="X-ENV", value="Production 7"),
    )
    found = triage(rule(**given, tags=("t",)), headers=headers, **message)
    assert (found.tags == ("t",)) is fits


def test_a_block_list_is_a_rule() -> None:
    """The rule that keeps mail from becoming a case is named."""
    found = triage(rule(sender="*@example.com", suppress=True))
    assert (found.suppress, found.reasons) == ("r", ("rule r: no case",))


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("", "", True),
        ("*", "", True),
        ("*", "anything\nat all", True),
        ("a*c", "abc", True),
        ("a*c", "ac", True),
        ("a*c", "abcd", False),
        ("a*b*c", "a1b2bc", True),
        ("*b*", "abc", True),
        ("*b*", "ac", False),
        ("**a**", "bab", True),
        ("?", "a", True),
        ("?", "", False),
        ("a.c", "abc", False),
        ("[x]*", "[x]1", True),
        ("(a|b)", "a", False),
        ("*ção", "AÇÃO", True),
        ("*ab*b", "aab", False),
        ("*ab*b", "aabb", True),
        ("a*a", "a", False),
    ],
)
def test_patterns_know_stars_and_question_marks(
    pattern: str, value: str, fits: bool
) -> None:
    """Everything else means itself; the whole value must fit."""
    assert bool(pattern_of(pattern).match(value)) is fits


def _slow(pattern: str, value: str) -> bool:
    """Match by trying everything, as the meaning of a pattern is told to people."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_slow(pattern[1:], value[n:]) for n in range(len(value) + 1))
    return (
        bool(value) and pattern[0] in ("?", value[0]) and _slow(pattern[1:], value[1:])
    )


@given(st.text("ab?*", max_size=7), st.text("ab", max_size=8))
def test_a_pattern_means_what_people_are_told(pattern: str, value: str) -> None:
    """The fast matcher and the plain meaning never disagree."""
    assert bool(pattern_of(pattern).match(value)) is _slow(pattern, value)


def test_p21_no_pattern_and_no_value_take_long() -> None:
    """Twenty stars against a subject of the most unlucky kind: linear."""
    pattern = pattern_of("*".join("ab" * 10) + "*x")
    started = time.monotonic()
    assert not pattern.match("ab" * 4_000)
    assert not pattern_of("*a?" * 20 + "*y").match("a" * 8_000)
    assert time.monotonic() - started < 1.0


def test_tags_are_short_lower_case_words_each_once() -> None:
    """A tag can be typed on a command line without quotes."""
    assert tags_of(["VIP", "vip", " a b ", "x,y", "", "-", "é"]) == (
        "vip",
        "a-b",
        "x-y",
        "é",
    )
    assert len(tags_of(["x" * 500])[0]) == 64


def test_the_operators_matrix_replaces_ours() -> None:
    """Priority comes from `[priority]`."""
    flat = Priorities(normal=("p4", "p4", "p4"))
    found = compiled((), Words(), flat).triage(arrived(), SUPPORT)
    assert found.priority is Priority.P4


def test_no_words_at_all_is_allowed() -> None:
    """An operator may turn the words off."""
    silent = Words(critical=(), high=(), low=())
    found = arrival(words=silent).triage(arrived("urgente"), SUPPORT)
    assert found.severity is Severity.NORMAL


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_message_is_triaged(subject: str, reply: str) -> None:
    """Triage is total and its answer is always one of the table."""
    found = triage(
        rule(subject="*a*", header="X-A: *", tags=("x",)), subject=subject, reply=reply
    )
    assert found.severity in Severity
    assert found.priority in Priority
