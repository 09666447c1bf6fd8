"""Lists that are longer than a page, and words that are longer than a line."""

import io
import sys

import pytest

from chamado.daemon.cli.options import print_table
from tests.support.counter import Counter
from tests.support.house import House, message


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("ticket", "--after 2"),
        ("inbox", "--before 2"),
        ("outbox", "--before 2"),
    ],
)
def test_a_script_is_told_that_its_list_was_cut(
    home: House, cli: Counter, what: str, more: str
) -> None:
    """With --json too the page says on stderr how to go on, when it is full."""
    for number in range(3):
        sender, id_ = f"u{number}@x.example", f"<{number}@x.example>"
        home.mail(message(sender=sender, message_id=id_), mail_from=sender)
    cut = cli.ok(what, "list", "--limit", 2, "--json")
    assert len(cut.json) == 2
    assert cut.err == f"… perhaps more: {more}\n"
    assert cli.ok(what, "list", "--json").err == ""


def test_a_subject_as_long_as_a_letter_is_cut_in_tables_only(
    home: House, cli: Counter
) -> None:
    """A line in a pipe stays a line that a person can read; JSON has it whole."""
    subject = "não abre " * 100
    home.mail(message(subject=subject))
    for what in ("ticket", "inbox"):
        row = cli.ok(what, "list").out.splitlines()[1]
        shown = row[row.index("não") :]
        assert len(shown) == 120
        assert shown.endswith("…")
        assert len(cli.json(what, "list")[0]["subject"]) > 800


class Screen(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.mark.parametrize(
    ("columns", "opened", "who"), [(80, False, 12), (100, False, 15), (140, True, 23)]
)
def test_on_a_narrow_screen_the_subject_keeps_room(
    monkeypatch: pytest.MonkeyPatch, columns: int, opened: bool, who: int
) -> None:
    """The requester takes a third of what is left, and the least needed goes first."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", screen := Screen())
    heads = ("number", "status", "opened", "due", "requester", "subject")
    row = ("#1042", "open", "2026-11-25 09:00", "d" * 33, "R" * 40, "S" * 120)
    print_table(heads, [row], shrink="requester", spare="opened")
    first, second = screen.getvalue().splitlines()
    assert ("opened" in first) is opened
    assert second.count("R") == who - 1
    assert second.count("S") >= who
    assert len(second) == columns


def test_what_fits_on_the_screen_is_not_shortened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Room that a short subject leaves is the requester's."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", screen := Screen())
    row = ("2026-11-25 09:00", "R" * 40, "S" * 10)
    heads = ("opened", "requester", "subject")
    print_table(heads, [row], shrink="requester", spare="opened")
    assert screen.getvalue().splitlines()[1] == "  ".join(row)
