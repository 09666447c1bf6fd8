"""Names that nothing else in the configuration knows are told, for they do nothing."""

from typing import Any

import pytest

from chamado.config.checks import errors
from chamado.config.doubts import warnings
from chamado.config.settings import Settings

HOUSE: dict[str, Any] = {
    "address": [
        {"address": "suporte@acme.example", "aliases": ["help@acme.example"]},
        {"address": "vendas@acme.example", "team": "sales", "subaddress": True},
    ],
    "agent": [{"address": "bia@acme.example", "teams": ["legal"]}],
}


def named(tables: dict[str, Any]) -> list[str]:
    """The keys of rules and promises that are warned of."""
    settings = Settings.model_validate(HOUSE | tables)
    assert errors(settings) == ()
    found = (problem.key for problem in warnings(settings))
    return [key for key in found if key.startswith(("rule", "promise"))]


@pytest.mark.parametrize(
    ("rule", "keys"),
    [
        ({"team": "sales"}, []),
        ({"team": "support"}, []),
        ({"team": "legal"}, []),
        ({"team": "slaes"}, ["rule.0.team"]),
        ({"recipient": "Suporte@acme.example"}, []),
        ({"recipient": "help@acme.example"}, []),
        ({"recipient": "vendas+vip@acme.example"}, []),
        ({"recipient": "suport@acme.example"}, ["rule.0.recipient"]),
        ({"recipient": "suport*@acme.example"}, []),
        ({"recipient": "acme"}, []),
    ],
)
def test_a_rule_that_names_what_nobody_knows_is_warned_of(
    rule: dict[str, Any], keys: list[str]
) -> None:
    """A mistyped team hides a case from everybody, a mistyped address the rule."""
    assert named({"rule": [{"name": "r"} | rule]}) == keys


def test_a_promise_to_a_team_that_nobody_knows_is_warned_of_once() -> None:
    """Also where a rule has the same mistake; a team without a way to it as before."""
    promises = [{"team": "slaes"}, {"team": "sales"}, {"team": "legal"}]
    assert named({"promise": promises[:2]}) == ["promise.0.team"]
    assert named({"promise": promises[2:]}) == ["promise.0.team"]
    both = {"promise": promises[:1], "rule": [{"name": "r", "team": "slaes"}]}
    assert named(both) == ["promise.0.team", "rule.0.team"]


def test_without_an_address_no_recipient_is_judged() -> None:
    """That there is none is said already, once."""
    rule = {"name": "r", "recipient": "x@acme.example"}
    assert named({"address": [], "rule": [rule]}) == []
