"""Reasons are said in the language of the letter."""

import re

import pytest

from chamado.daemon.core import commands
from chamado.notifier.reasons import WORDS, Why, worded
from chamado.notifier.render import Templates

FIELD = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("code", WORDS)
def test_every_reason_is_said_in_every_language_of_ours_with_the_same_facts(
    code: str,
) -> None:
    """No language lacks a sentence or a fact of it."""
    said = WORDS[code]
    assert sorted(said) == sorted(Templates().languages)
    assert len({frozenset(FIELD.findall(words)) for words in said.values()}) == 1


def test_a_reason_without_words_of_its_own_is_said_as_it_came() -> None:
    """Better English than silence; and a language of the operator's gets English."""
    assert worded(Why(words="as it came"), "es") == "as it came"
    assert worded(Why(code="empty"), "fr") == WORDS["empty"]["en"]


@pytest.mark.parametrize(
    "text",
    [
        "#x",
        "#note\n#note\nx",
        "#note\n#reply\nx",
        "#note",
        "#wait a",
        "#assign",
        "#priority x",
        "#resolve x",
        "#wait\n" * 11,
        "x\n#wait",
        "#wait {0} {x.__class__}",
    ],
)
def test_whatever_is_wrong_with_a_command_has_words(text: str) -> None:
    """Every code that reading a mail can give is in the table, with its facts."""
    wrong = commands.read_order(text).wrong
    assert wrong is not None
    assert worded(Why(code=wrong.code, facts=wrong.facts), "pt-BR")
