"""Rules on arrival that cannot be meant are refused before anything starts."""

from typing import Any

import pytest

from chamado.config.checks import errors
from chamado.config.settings import Agent, Rule, Settings
from chamado.parsers.types import Kind

BIA = Agent(address="bia@acme.example")


def problems(*rules: Rule, agent: tuple[Agent, ...] = (BIA,)) -> list[str]:
    """What is wrong with these rules, as KEY: MESSAGE."""
    found = errors(Settings(rule=rules, agent=agent))
    return [f"{problem.key}: {problem.message}" for problem in found]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"suppress": True}, "rule.0.suppress: suppresses everything"),
        ({"header": "X-Env"}, "rule.0.header: names no header"),
        ({"header": ": x"}, "rule.0.header: names no header"),
        ({"kind": "human"}, "rule.0.kind: 'human' fits no kind"),
        (
            {"sender": "*", "assignee": "eve@x.example"},
            "rule.0.assignee: eve@x.example is no [[agent]]",
        ),
    ],
)
def test_a_mistake_in_a_rule_is_named(given: dict[str, Any], problem: str) -> None:
    """Each with its key, so that the line is found."""
    assert problems(Rule(name="r", **given)) == [problem]


@pytest.mark.parametrize(
    "given",
    [
        {"tags": ("all",)},
        {"sender": "*@x.example", "suppress": True},
        {"larger_than": 1, "suppress": True},
        {"header": "X-Env: prod*"},
        {"header": "X-Env:*"},
        {"kind": "AUTO_*"},
        {"kind": "*"},
        {"assignee": "Bia@acme.example"},
    ],
)
def test_a_rule_that_can_be_meant_is_taken(given: dict[str, Any]) -> None:
    """A rule without conditions is fine as long as it blocks nothing."""
    assert problems(Rule(name="r", **given)) == []


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_every_kind_of_the_parser_can_be_asked_for(kind: str) -> None:
    """The list of kinds is the parser's."""
    assert problems(Rule(name="r", kind=kind)) == []


def test_without_agents_a_rule_may_name_anybody() -> None:
    """As at the command line: nobody configured, everybody is one."""
    rule = Rule(name="r", sender="*", assignee="eve@x.example")
    assert problems(rule, agent=()) == []


def test_two_rules_of_one_name_are_one_too_many() -> None:
    """`why` could not say which of them it was."""
    assert problems(Rule(name="r"), Rule(name="r")) == ["rule.1.name: r is given twice"]
