"""The manuals name every command that works by mail, and every letter that leaves."""

from pathlib import Path

import pytest

from chamado.daemon.core.commands import MYSELF, SYNONYMS, commands_us
from chamado.daemon.core.types import Priority, Verb
from chamado.notifier.types import LetterKind

DOCS = Path(__file__).parents[2] / "docs"


def _section() -> str:
    text = (DOCS / "agents.md").read_text("utf-8")
    return text.partition("\n## Working by mail\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("verb", Verb)
def test_the_manual_explains_every_command_by_mail(verb: Verb) -> None:
    """Each has a row, and its row has each of its synonyms, and nothing else."""
    (row,) = [
        line for line in _section().splitlines() if line.startswith(f"| `#{verb.value}")
    ]
    named = {word.strip("`#") for word in row.split() if word.startswith("`#")}
    assert named == {verb.value} | {s for s, v in SYNONYMS.items() if v is verb}
    assert all(commands_us(f"#{word}") for word in named)


def test_the_manual_names_what_may_stand_behind_a_command() -> None:
    """Priorities, and what agents call themselves."""
    for word in (*Priority, *MYSELF):
        assert f"`{word}`" in _section()


@pytest.mark.parametrize("kind", LetterKind)
def test_the_manual_of_letters_names_every_kind(kind: LetterKind) -> None:
    """Each kind of letter has a row in the table."""
    assert f"\n| `{kind.value}` |" in (DOCS / "letters.md").read_text("utf-8")
