"""`chamado ticket reply|note|resolve|reopen`: what agents do on a case."""

from pathlib import Path

import click

from chamado.config.address import Address
from chamado.daemon import actions
from chamado.daemon.cli.body import (
    body_option,
    optional_words,
    wanted_words,
    words_option,
)
from chamado.daemon.cli.desk import (
    Here,
    agent_option,
    at_desk,
    attach_option,
    newest_words,
    print_after,
    sent,
    the_agent,
    the_doer,
    the_files,
    who_option,
)
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    number_argument,
    number_of,
)
from chamado.daemon.cli.ticket import read_case
from chamado.daemon.cli.ticket_case import ticket_group
from chamado.daemon.core.types import Resolution
from chamado.daemon.enclosed import Files

__all__ = ["ticket_group"]


@ticket_group.command("reply")
@config_option
@json_option
@number_argument
@agent_option
@body_option
@attach_option
@click.pass_context
def reply(
    context: click.Context,
    number: str,
    agent: str,
    body_file: Path | None,
    attach: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Answer everybody who takes part in a case."""
    wanted = number_of(number)
    with at_desk(context) as here:
        who, text, files = _written(here, wanted, agent, body_file, attach)
        now = here.desk.clock()
        with here.store.write() as work:
            said = actions.reply(work, here.desk, wanted, who, text, files, now=now)
        print_after(here, wanted, as_json, sent(said))


@ticket_group.command("note")
@config_option
@json_option
@number_argument
@agent_option
@body_option
@attach_option
@click.pass_context
def note(
    context: click.Context,
    number: str,
    agent: str,
    body_file: Path | None,
    attach: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Write something for agents' eyes only."""
    wanted = number_of(number)
    with at_desk(context) as here:
        who, text, files = _written(here, wanted, agent, body_file, attach)
        now = here.desk.clock()
        with here.store.write() as work:
            actions.note(work, wanted, who, text, files, now=now)
        print_after(here, wanted, as_json, "noted, for agents only")


@ticket_group.command("resolve")
@config_option
@json_option
@number_argument
@agent_option
@click.option(
    "--resolution", type=click.Choice([r.value for r in Resolution]), required=True
)
@words_option
@click.pass_context
def resolve(
    context: click.Context,
    number: str,
    agent: str,
    resolution: str,
    body_file: Path | None,
    as_json: bool,
) -> None:
    """End a case and tell the customer; of duplicates and spam nobody is told."""
    wanted = number_of(number)
    with at_desk(context) as here:
        who, text = the_agent(here, agent), optional_words(body_file)
        code, now = Resolution(resolution), here.desk.clock()
        with here.store.write() as work:
            said = actions.resolve(work, here.desk, wanted, who, code, text, now=now)
        told = sent(said) if code not in actions.SILENT else "nobody is told"
        print_after(here, wanted, as_json, f"resolved: {code.value}, {told}")


@ticket_group.command("reopen")
@config_option
@json_option
@number_argument
@who_option
@click.pass_context
def reopen(
    context: click.Context, number: str, agent: str | None, as_json: bool
) -> None:
    """Take a case up again that was over."""
    wanted = number_of(number)
    with at_desk(context) as here:
        who, now = the_doer(here, agent), here.desk.clock()
        with here.store.write() as work:
            actions.reopen(work, here.desk, wanted, who=who, now=now)
        print_after(here, wanted, as_json, "open again")


def _written(
    here: Here, number: int, agent: str, body_file: Path | None, paths: tuple[Path, ...]
) -> tuple[Address, str, Files]:
    """Return who writes to a case, the words and the files; the editor may run long."""
    who = the_agent(here, agent)
    case = read_case(here.store, here.settings, number)
    text = wanted_words(body_file, newest_words(case))
    return who, text, the_files(here, paths)
