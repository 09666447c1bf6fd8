"""Every command explains itself."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from chamado.daemon.cli.root import COMMANDS, chamado

PROMISED = """
run parse ingest why doctor backup restore
config.init config.check config.show db.upgrade db.check
inbox.list inbox.show inbox.retry inbox.drop
outbox.list outbox.show outbox.retry outbox.drop
ticket.list ticket.show ticket.create ticket.reply ticket.note ticket.set
ticket.resolve ticket.reopen
mailbox.list mailbox.reconcile
"""


def commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command below one."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, *path, name)


@pytest.mark.parametrize("words", list(commands(chamado)), ids=" ".join)
def test_help_says_what_a_command_does(words: tuple[str, ...]) -> None:
    """--help works for each and holds at least one sentence."""
    done = CliRunner().invoke(chamado, [*words, "--help"])
    assert done.exit_code == 0
    assert done.output.count(".") > 0


def test_every_promised_command_is_there() -> None:
    """The commands that operators and agents are promised exist."""
    assert {*PROMISED.split(), *COMMANDS} <= {
        ".".join(words) for words in commands(chamado)
    }


def test_every_command_that_prints_data_knows_json() -> None:
    """--json is an option of each listing, showing and changing command."""
    without = {"run", "init", "upgrade", "check", "file", "preview"}
    for words in commands(chamado):
        command: click.Command | None = chamado
        context = click.Context(chamado)
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group) or words[-1] in without:
            continue
        options = {name for p in command.params for name in p.opts}
        assert "--json" in options, words
        assert "--config" in options, words


def test_the_help_of_ingest_tells_where_the_time_of_arrival_comes_from() -> None:
    """An mbox and a maildir say it themselves, and promises run from it."""
    done = CliRunner().invoke(chamado, ["ingest", "--help"], terminal_width=200)
    assert "default: now. An mbox or maildir tells its own." in " ".join(
        done.output.split()
    )


def test_the_help_promises_an_editor_only_where_one_opens() -> None:
    """Words that may be left out are left out, and no editor asks for them."""
    promise = "Without it your editor opens"
    for words in commands(chamado):
        done = CliRunner().invoke(chamado, [*words, "--help"], terminal_width=200)
        opens = words[-1:] in (("reply",), ("note",))
        assert (promise in " ".join(done.output.split())) == opens, words
