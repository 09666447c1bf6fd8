"""`chamado ticket create|reply|note|set|resolve|reopen`: what agents do on a case."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from chamado.config.address import Address
from chamado.config.settings import Settings
from chamado.config.units import mail_address
from chamado.daemon import actions, enclosed, parts
from chamado.daemon.actions import NewCase, Wish
from chamado.daemon.cli import reasons
from chamado.daemon.cli.body import body_option, optional_words, wanted_words
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    number_argument,
    number_of,
    opened,
    print_json,
    time_of,
)
from chamado.daemon.cli.ticket import PRIORITIES, case_of, read_case, ticket_group
from chamado.daemon.core.types import (
    Channel,
    Impact,
    Priority,
    Resolution,
    Severity,
)
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.refusal import BadData
from chamado.daemon.store.engine import Store
from chamado.parsers.sanitise import clean_line, clean_name

__all__ = ["ticket_group"]

Command = TypeVar("Command", bound=Callable[..., Any])

SUBJECT_CHARS = 998
QUOTED_CHARS = 5_000
_PATH = click.Path(path_type=Path)

attach_option = click.option(
    "--attach", multiple=True, type=_PATH, help="A file to add; may be repeated."
)
agent_option = click.option(
    "--agent", required=True, help="The address of who does it."
)
who_option = click.option(
    "--agent", help="The address of who does it, for the history."
)


def _choice(name: str, words: list[str], **more: Any) -> Callable[[Command], Command]:
    return click.option(name, type=click.Choice(words), **more)


severity_option = _choice("--severity", [s.value for s in Severity])
impact_option = _choice("--impact", [i.value for i in Impact])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    """Where agents work: settings, database, and the desk made of both."""

    settings: Settings
    store: Store
    desk: Desk


@contextmanager
def _counter(context: click.Context) -> Iterator[_Counter]:
    with opened(context) as (settings, store):
        desk = parts.open_desk(settings, store)
        yield _Counter(settings=settings, store=store, desk=desk)


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
    with _counter(context) as here:
        now = here.desk.clock()
        new = NewCase(
            requester=_customer(requester, name),
            subject=_subject(subject),
            text=optional_words(body_file),
            channel=Channel(channel),
            received_at=at or now,
            severity=Severity(severity or Severity.NORMAL),
            impact=Impact(impact or Impact.MEDIUM),
            to=to.strip().lower(),
            acknowledge=not no_ack,
        )
        files = _files(here, attach)
        who = _who(here, agent)
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
    with _counter(context) as here:
        who = _agent(here, agent)
        case = read_case(here.store, here.settings, wanted)
        text = wanted_words(body_file, _newest(case))
        files = _files(here, attach)
        now = here.desk.clock()
        with here.store.write() as work:
            said = actions.reply(work, here.desk, wanted, who, text, files, now=now)
        _print_after(here, wanted, as_json, _sent(said))


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
    with _counter(context) as here:
        who = _agent(here, agent)
        case = read_case(here.store, here.settings, wanted)
        text = wanted_words(body_file, _newest(case))
        files = _files(here, attach)
        now = here.desk.clock()
        with here.store.write() as work:
            actions.note(work, wanted, who, text, files, now=now)
        _print_after(here, wanted, as_json, "noted, for agents only")


@ticket_group.command("set")
@config_option
@json_option
@number_argument
@severity_option
@impact_option
@_choice("--priority", PRIORITIES, help="By hand: severity and impact no longer count.")
@click.option("--assignee", help='Who works on it; "" for nobody.')
@click.option("--team")
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
    agent: str | None,
    as_json: bool,
) -> None:
    """Change a case; priority follows severity and impact unless set by hand."""
    wanted = number_of(number)
    with _counter(context) as here:
        wish = Wish(
            severity=Severity(severity) if severity else None,
            impact=Impact(impact) if impact else None,
            priority=Priority(priority) if priority else None,
            assignee=_assignee(here, assignee),
            team=_team(team),
        )
        if wish == Wish():
            raise click.UsageError("say what to change; see --help")
        who, now = _who(here, agent), here.desk.clock()
        with here.store.write() as work:
            changed = actions.change(work, here.desk, wanted, wish, who=who, now=now)
        told = ", ".join(
            f"{name} {before or 'none'} → {after or 'none'}"
            for name, (before, after) in changed.items()
        )
        _print_after(here, wanted, as_json, told or "nothing to change")


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
    with _counter(context) as here:
        who, text = _agent(here, agent), optional_words(body_file)
        code, now = Resolution(resolution), here.desk.clock()
        with here.store.write() as work:
            said = actions.resolve(work, here.desk, wanted, who, code, text, now=now)
        told = _sent(said) if code not in actions.SILENT else "nobody is told"
        _print_after(here, wanted, as_json, f"resolved: {code.value}, {told}")


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
    with _counter(context) as here:
        who, now = _who(here, agent), here.desk.clock()
        with here.store.write() as work:
            actions.reopen(work, here.desk, wanted, who=who, now=now)
        _print_after(here, wanted, as_json, "open again")


def _print_after(here: _Counter, number: int, as_json: bool, told: str) -> None:
    if not as_json:
        click.echo(f"#{number}: {told}")
        return
    with here.store.read() as work:
        print_json(case_of(work, here.settings, number))


def _sent(said: Said) -> str:
    to = f"queued for {', '.join(said.to)}" if said.to else "no letter goes out"
    if said.unreachable:
        to += f"; no letter can go to {', '.join(said.unreachable)}"
    return to


def _agent(here: _Counter, text: str) -> Address:
    found = actions.agent_of(here.desk, text)
    if not here.settings.agent:
        click.echo("no [[agent]] is configured, so every address may answer", err=True)
    return found


def _who(here: _Counter, agent: str | None) -> str:
    """Name who does it for the history: the agent, else the user of this machine."""
    if agent is not None:
        return actions.agent_of(here.desk, agent).address
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user that nobody gave a name.
        user = str(os.getuid())
    return f"cli:{user}"


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


def _files(here: _Counter, paths: tuple[Path, ...]) -> enclosed.Files:
    if not paths:
        return enclosed.Files()
    blobs = parts.open_blob_store(here.settings)
    return enclosed.read_files(paths, blobs, here.settings.limits)


def _assignee(here: _Counter, text: str | None) -> str | None:
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


def _team(text: str | None) -> str | None:
    if text is None:
        return None
    team = clean_line(text, 64)
    if not team:
        raise BadData("a team needs a name")
    return team


def _newest(case: dict[str, Any]) -> str:
    """Return what the editor shows: the newest words of the customer."""
    head = f"#{case['number']} {case['subject']}"
    said = [e for e in case["entries"] if e["kind"] == "inbound"]
    if not said:
        return head
    words = said[-1]["reply"][:QUOTED_CHARS].split("\n")
    who = said[-1]["author"]["address"]
    return "\n".join((head, f"{who}:", *(f"> {row}" for row in words)))
