"""`chamado ticket create|reply|note|set|resolve|reopen`: what agents do on a case."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.units import mail_address
from chamado.daemon import actions
from chamado.daemon.actions import NewCase, Wish
from chamado.daemon.cli import reasons
from chamado.daemon.cli.body import body_option, optional_words, wanted_words
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
    print_json,
    time_of,
)
from chamado.daemon.cli.ticket import PRIORITIES, read_case, ticket_group
from chamado.daemon.core.arrival import tags_of
from chamado.daemon.core.types import (
    Channel,
    Impact,
    Priority,
    Resolution,
    Severity,
)
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.parsers.sanitise import clean_line, clean_name

__all__ = ["ticket_group"]

Command = TypeVar("Command", bound=Callable[..., Any])

SUBJECT_CHARS = 998


def _choice(name: str, words: list[str], **more: Any) -> Callable[[Command], Command]:
    return click.option(name, type=click.Choice(words), **more)


severity_option = _choice("--severity", [s.value for s in Severity])
impact_option = _choice("--impact", [i.value for i in Impact])


@ticket_group.command("create")
@config_option
@json_option
@click.option("--requester", required=True, help="The customer's address.")
@click.option("--name", default="", help="The customer's name.")
@click.option("--subject", required=True)
@_choice("--channel", [c.value for c in Channel], required=True)
@body_option
@attach_option
@click.option("--received-at", help="When the customer called, RFC 3339; default: now.")
@severity_option
@impact_option
@click.option("--to", default="", help="The support address it belongs to.")
@click.option("--no-ack", is_flag=True, help="Send no acknowledgement.")
@who_option
@click.pass_context
def create(
    context: click.Context,
    requester: str,
    name: str,
    subject: str,
    channel: str,
    body_file: Path | None,
    attach: tuple[Path, ...],
    received_at: str | None,
    severity: str | None,
    impact: str | None,
    to: str,
    no_ack: bool,
    agent: str | None,
    as_json: bool,
) -> None:
    """Open a case that came by phone, WhatsApp, chat, web form or mail."""
    at = time_of(received_at, "--received-at")
    with at_desk(context) as here:
        now = here.desk.clock()
        new = NewCase(
            requester=_customer(requester, name),
            subject=_subject(subject),
            text=optional_words(body_file),
            channel=Channel(channel),
            received_at=at or now,
            severity=Severity(severity) if severity else None,
            impact=Impact(impact) if impact else None,
            to=to.strip().lower(),
            acknowledge=not no_ack,
        )
        files = the_files(here, attach)
        who = the_doer(here, agent)
        with here.store.write() as work:
            done = actions.open_case(work, here.desk, new, files, who=who, now=now)
        case = read_case(here.store, here.settings, done.number)
    if as_json:
        print_json({**case, "entry_id": done.entry_id, "ack": done.ack})
        return
    click.echo(f"#{done.number} is open, {case['priority']}")
    click.echo(f"acknowledgement to {new.requester.address}: {reasons.ack(done.ack)}")


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


@ticket_group.command("set")
@config_option
@json_option
@number_argument
@severity_option
@impact_option
@_choice("--priority", PRIORITIES, help="By hand: severity and impact no longer count.")
@click.option("--assignee", help='Who works on it; "" for nobody.')
@click.option("--team")
@click.option("--tag", multiple=True, help="Add a tag; may be repeated.")
@click.option("--untag", multiple=True, help="Take a tag away; may be repeated.")
@who_option
@click.pass_context
def set_(
    context: click.Context,
    number: str,
    severity: str | None,
    impact: str | None,
    priority: str | None,
    assignee: str | None,
    team: str | None,
    tag: tuple[str, ...],
    untag: tuple[str, ...],
    agent: str | None,
    as_json: bool,
) -> None:
    """Change a case; priority follows severity and impact unless set by hand."""
    wanted = number_of(number)
    with at_desk(context) as here:
        wish = Wish(
            severity=Severity(severity) if severity else None,
            impact=Impact(impact) if impact else None,
            priority=Priority(priority) if priority else None,
            assignee=_assignee(here, assignee),
            team=_team(here, team),
            tag=_tags(tag),
            untag=_tags(untag),
        )
        if wish == Wish():
            raise click.UsageError("say what to change; see --help")
        who, now = the_doer(here, agent), here.desk.clock()
        with here.store.write() as work:
            changed = actions.change(work, here.desk, wanted, wish, who=who, now=now)
        told = ", ".join(
            f"{name} {before or 'none'} → {after or 'none'}"
            for name, (before, after) in changed.items()
        )
        print_after(here, wanted, as_json, told or "nothing to change")


@ticket_group.command("resolve")
@config_option
@json_option
@number_argument
@agent_option
@_choice("--resolution", [r.value for r in Resolution], required=True)
@body_option
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


def _customer(address: str, name: str) -> Address:
    try:
        found = mail_address(address.strip())
    except ValueError as error:
        raise BadData(str(error)) from None
    return Address(name=clean_name(name), address=found)


def _subject(text: str) -> str:
    subject = clean_line(text, SUBJECT_CHARS)
    if not subject:
        raise BadData("the subject is empty")
    return subject


def _assignee(here: Here, text: str | None) -> str | None:
    if not text:
        return text
    agents = here.settings.agent
    for agent in agents:
        if text.strip().lower() in (agent.address, agent.name.lower()):
            return agent.address
    if agents:
        known = ", ".join(agent.address for agent in agents)
        raise BadData(f"{clean_line(text)} is no agent here; there are: {known}")
    return clean_line(text, 320)


def _team(here: Here, text: str | None) -> str | None:
    if text is None:
        return None
    team, known = clean_line(text, 64), derive.teams(here.settings)
    if team not in known:
        # A case of a team that has nobody is a case that nobody is told of.
        raise BadData(f"there is no team {team!r}; there are: {', '.join(known)}")
    return team


def _tags(texts: tuple[str, ...]) -> tuple[str, ...]:
    tags = tags_of(clean_line(text) for text in texts)
    if texts and not tags:
        raise BadData("a tag needs a letter or a digit")
    return tags
