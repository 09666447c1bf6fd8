"""An agent at the desk: what the commands that work on a case have in common."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from chamado.config.address import Address
from chamado.config.settings import Settings
from chamado.daemon import actions, enclosed, parts
from chamado.daemon.cli.options import opened, print_json
from chamado.daemon.cli.ticket import case_of
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.store.engine import Store

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Where agents work: settings, database, and the desk made of both."""

    settings: Settings
    store: Store
    desk: Desk


@contextmanager
def at_desk(context: click.Context, *, make: bool = False) -> Iterator[Here]:
    with opened(context, make=make) as (settings, store):
        desk = parts.open_desk(settings, store)
        yield Here(settings=settings, store=store, desk=desk)


def the_agent(here: Here, text: str) -> Address:
    found = actions.agent_of(here.desk, text)
    if not here.settings.agent:
        click.echo("no [[agent]] is configured, so every address may answer", err=True)
    return found


def the_doer(here: Here, agent: str | None) -> str:
    """Name who does it for the history: the agent, else the user of this machine."""
    if agent is not None:
        return actions.agent_of(here.desk, agent).address
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user that nobody gave a name.
        user = str(os.getuid())
    return f"cli:{user}"


def the_files(here: Here, paths: tuple[Path, ...]) -> enclosed.Files:
    if not paths:
        return enclosed.Files()
    blobs = parts.open_blob_store(here.settings)
    return enclosed.read_files(paths, blobs, here.settings.limits)


def sent(said: Said) -> str:
    to = f"queued for {', '.join(said.to)}" if said.to else "no letter goes out"
    if said.unreachable:
        to += f"; no letter can go to {', '.join(said.unreachable)}"
    return to


def print_after(here: Here, number: int, as_json: bool, told: str) -> None:
    if not as_json:
        click.echo(f"#{number}: {told}")
        return
    with here.store.read() as work:
        print_json(case_of(work, here.settings, number))


def newest_words(case: dict[str, Any]) -> str:
    """Return what the editor shows: the newest words of the customer."""
    head = f"#{case['number']} {case['subject']}"
    said = [e for e in case["entries"] if e["kind"] == "inbound"]
    if not said:
        return head
    words = said[-1]["reply"][:QUOTED_CHARS].split("\n")
    who = said[-1]["author"]["address"]
    return "\n".join((head, f"{who}:", *(f"> {row}" for row in words)))
