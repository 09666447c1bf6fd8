"""`chamado ticket create|set`: what a case is, as agents say it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.spelling import identity
from chamado.config.units import mail_address
from chamado.daemon import actions
from chamado.daemon.actions import NewCase, Wish
from chamado.daemon.cli import reasons
from chamado.daemon.cli.body import optional_words, words_option
from chamado.daemon.cli.desk import (
    Here,
    at_desk,
    attach_option,
    print_after,
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
from chamado.daemon.core.arrival import TAG_CHARS, tags_of
from chamado.daemon.core.types import Channel, Impact, Priority, Severity
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
@words_option
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
    with at_desk(context, make=True) as here:
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
    wanted = identity(text.strip()) or text.strip().lower()
    for agent in agents:
        if wanted in (agent.address, agent.name.lower()):
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
    if long := [text for text in texts if len(clean_line(text)) > TAG_CHARS]:
        shown = f"{clean_line(long[0])[:20]}…"
        raise BadData(f"the tag {shown} is longer than {TAG_CHARS} characters")
    tags = tags_of(clean_line(text) for text in texts)
    if texts and not tags:
        raise BadData("a tag needs a letter or a digit")
    return tags
