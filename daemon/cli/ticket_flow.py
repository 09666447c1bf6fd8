"""`chamado ticket request-info|escalate|handback|merge|split`: where a case goes."""

from pathlib import Path

import click

from chamado.daemon import actions, merging
from chamado.daemon.cli.body import optional_words, words_option
from chamado.daemon.cli.desk import (
    agent_option,
    at_desk,
    print_after,
    sent,
    the_agent,
    the_doer,
    who_option,
)
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    number_argument,
    number_of,
)
from chamado.daemon.cli.ticket_work import ticket_group
from chamado.daemon.core.evidence import Topic

__all__ = ["ticket_group"]


@ticket_group.command("request-info")
@config_option
@json_option
@number_argument
@agent_option
@click.option(
    "--topic",
    multiple=True,
    type=click.Choice([topic.value for topic in Topic]),
    help="What is missing; may be repeated. The letter explains how to get it.",
)
@words_option
@click.pass_context
def request_info(
    context: click.Context,
    number: str,
    agent: str,
    topic: tuple[str, ...],
    body_file: Path | None,
    as_json: bool,
) -> None:
    """Ask the customer for more; the clock stands still until the answer comes."""
    wanted = number_of(number)
    with at_desk(context) as here:
        who, text = the_agent(here, agent), optional_words(body_file)
        topics, now = [Topic(name) for name in topic], here.desk.clock()
        with here.store.write() as work:
            said = actions.request_info(
                work, here.desk, wanted, who, topics, text, now=now
            )
        print_after(here, wanted, as_json, f"asked, {sent(said)}")


@ticket_group.command("escalate")
@config_option
@json_option
@number_argument
@click.option("--to", "specialty", required=True, help="The specialty it needs.")
@agent_option
@words_option
@click.pass_context
def escalate(
    context: click.Context,
    number: str,
    specialty: str,
    agent: str,
    body_file: Path | None,
    as_json: bool,
) -> None:
    """Hand a case to a specialist; the words are a note that stays inside.

    The customer is not told. `ticket handback` gives the case back.
    """
    wanted = number_of(number)
    with at_desk(context) as here:
        who, text = the_agent(here, agent), optional_words(body_file)
        now = here.desk.clock()
        with here.store.write() as work:
            chosen = actions.escalate(
                work, here.desk, wanted, who, specialty, text, now=now
            )
        print_after(here, wanted, as_json, f"with {chosen} ({specialty})")


@ticket_group.command("handback")
@config_option
@json_option
@number_argument
@agent_option
@words_option
@click.pass_context
def handback(
    context: click.Context,
    number: str,
    agent: str,
    body_file: Path | None,
    as_json: bool,
) -> None:
    """Give an escalated case back to whoever had escalated it."""
    wanted = number_of(number)
    with at_desk(context) as here:
        who, text = the_agent(here, agent), optional_words(body_file)
        now = here.desk.clock()
        with here.store.write() as work:
            owner = actions.hand_back(work, here.desk, wanted, who, text, now=now)
        print_after(here, wanted, as_json, f"back with {owner or 'the team'}")


@ticket_group.command("merge")
@config_option
@json_option
@number_argument
@click.option("--into", required=True, help="The case that stays.")
@click.option("--confirm", is_flag=True, help="Even if other people take part there.")
@who_option
@click.pass_context
def merge(
    context: click.Context,
    number: str,
    into: str,
    confirm: bool,
    agent: str | None,
    as_json: bool,
) -> None:
    """Make two cases one; answers to either number go to the one that stays."""
    wanted, target = number_of(number), number_of(into)
    with at_desk(context) as here:
        who, now = the_doer(here, agent), here.desk.clock()
        with here.store.write() as work:
            moved = merging.merge(
                work, here.desk, wanted, target, who=who, confirm=confirm, now=now
            )
        print_after(here, target, as_json, f"took in #{wanted}, {moved} entries")


@ticket_group.command("split")
@config_option
@json_option
@number_argument
@click.option(
    "--entry", required=True, help="The message, as `ticket show` numbers it."
)
@who_option
@click.pass_context
def split(
    context: click.Context, number: str, entry: str, agent: str | None, as_json: bool
) -> None:
    """Give one message of the customer a case of its own.

    Answers to that message go to the new case. Nobody is written to.
    """
    wanted, entry_id = number_of(number), number_of(entry, "entry")
    with at_desk(context) as here:
        who, now = the_doer(here, agent), here.desk.clock()
        with here.store.write() as work:
            new = merging.split(work, here.desk, wanted, entry_id, who=who, now=now)
        told = f"is entry {entry_id} of #{wanted}, a case of its own now"
        print_after(here, new, as_json, told)
