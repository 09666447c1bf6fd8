"""Lists that are longer than a page, and words that are longer than a line."""

import pytest

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
