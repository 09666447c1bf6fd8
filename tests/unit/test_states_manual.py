"""The agents' manual shows the table of a case's life as it is."""

from pathlib import Path

from chamado.daemon.cli.ticket_flow import ticket_group
from chamado.daemon.core.states import STATUSES, TABLE

MANUAL = Path(__file__).parents[2] / "docs" / "agents.md"


def table() -> list[str]:
    """The rows as the manual writes them."""
    return [
        "| "
        + " | ".join(
            (event.value.replace("_", " "), *(to.value if to else "" for to in row))
        )
        + " |"
        for event, row in TABLE.items()
    ]


def test_the_manual_shows_every_move() -> None:
    """Who changes the table changes the manual."""
    text = MANUAL.read_text("utf-8")
    head = "| | " + " | ".join(status.value for status in STATUSES) + " |"
    below = text[text.index(head) :].splitlines()[2 : 2 + len(TABLE)]
    assert below == table()


def test_the_manual_names_every_command_there_is() -> None:
    """Each `chamado ticket` command is in it."""
    text = MANUAL.read_text("utf-8")
    for name in set(ticket_group.commands) - {"file"}:
        assert f"ticket {name}" in text
