"""`chamado ticket`: look at cases; `ticket_case`, `_work` and `_flow` change them."""

from pathlib import Path
from typing import Any

import click

from chamado.config.settings import Settings
from chamado.config.spelling import identity
from chamado.daemon import casefile, parts
from chamado.daemon.cli import casepage, terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    limit_option,
    number_argument,
    number_of,
    opened,
    print_json,
)
from chamado.daemon.core.arrival import tags_of
from chamado.daemon.core.types import Priority, Status
from chamado.daemon.refusal import NotThere
from chamado.daemon.store import views
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing
from chamado.daemon.store.engine import Store, Work
from chamado.parsers.sanitise import clean_line

STATUSES = [status.value for status in Status]
PRIORITIES = [priority.value for priority in Priority]


@click.group("ticket")
def ticket_group() -> None:
    """Look at cases and work on them. NUMBER is 1042 or #1042."""


@ticket_group.command("list")
@config_option
@json_option
@limit_option
@click.option("--status", multiple=True, type=click.Choice(STATUSES))
@click.option("--all", "everything", is_flag=True, help="Also what is over.")
@click.option("--priority", type=click.Choice(PRIORITIES))
@click.option("--assignee", help="Who works on it.")
@click.option("--team")
@click.option("--tag", help="Only with this tag.")
@click.option("--requester", help="The customer's address.")
@click.option("--search", help="Words in subject, text or requester, taken literally.")
@click.option("--after", help="Go on behind this case of the page before.")
@click.pass_context
def ticket_list(
    context: click.Context,
    status: tuple[str, ...],
    everything: bool,
    priority: str | None,
    assignee: str | None,
    team: str | None,
    tag: str | None,
    requester: str | None,
    search: str | None,
    after: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List cases in working order: by priority, then by time of opening.

    Without --status or --all only those that are not over.
    """
    filters = views.Filters(
        statuses=status,
        everything=everything,
        priority=priority,
        assignee=assignee,
        team=team,
        requester=_key(requester.strip()) if requester else None,
        search=clean_line(search) if search else None,
        after=number_of(after) if after else None,
        tag="".join(tags_of((tag,))) if tag else None,
    )
    with opened(context) as (settings, store), store.read() as work:
        if filters.after is not None and not views.heads(work, [filters.after]):
            raise NotThere(f"there is no ticket #{filters.after}")
        found = casefile.listing(work, filters, limit)
    if as_json:
        print_json(found)
    else:
        casepage.print_list(found, terminal.clock(settings.service.timezone))
    if len(found) == limit:
        click.echo(f"… perhaps more: --after {found[-1]['number']}", err=True)


def _key(address: str) -> str:
    return identity(address) or address.lower()


@ticket_group.command("show")
@config_option
@json_option
@number_argument
@click.option("--full", is_flag=True, help="With the text that letters quote.")
@click.pass_context
def ticket_show(context: click.Context, number: str, full: bool, as_json: bool) -> None:
    """Show the whole case."""
    wanted = number_of(number)
    with opened(context) as (settings, store):
        case = read_case(store, settings, wanted)
    if as_json:
        print_json(case)
        return
    zone = settings.service.timezone
    casepage.print_case(case, terminal.clock(zone), zone, full=full)


@ticket_group.command("file")
@config_option
@click.argument("id_", metavar="ID")
@click.option("--output", type=click.Path(path_type=Path), help="Default: stdout.")
@click.pass_context
def ticket_file(context: click.Context, id_: str, output: Path | None) -> None:
    """Take a file out of a case, byte for byte; ID as `ticket show` says it."""
    wanted = number_of(id_, "file")
    with opened(context) as (settings, store):
        with store.read() as work:
            found = views.file(work, wanted)
        if found is None:
            raise NotThere(f"there is no file {wanted}")
        content = found["content"]
        if content is None and found["size"]:
            content = from_blobs(settings, found["sha256"])
    if output is None:
        terminal.raw(content or b"")
        return
    try:
        with output.open("xb") as file:
            file.write(content or b"")
    except FileExistsError:
        raise click.UsageError(f"{output} is there already") from None
    click.echo(f"{output}: {terminal.line(found['name'])} of #{found['ticket']}")


def read_case(store: Store, settings: Settings, number: int) -> dict[str, Any]:
    """Return the case; raises `NotThere`."""
    with store.read() as work:
        return case_of(work, settings, number)


def case_of(work: Work, settings: Settings, number: int) -> dict[str, Any]:
    """Return the case within a transaction; raises `NotThere`."""
    case = casefile.read(work, number, settings.service.name)
    if case is None:
        raise NotThere(f"there is no ticket #{number}")
    return case


def from_blobs(settings: Settings, sha256: str) -> bytes:
    """Fetch bytes from the blob store; raises `NotThere` when they are gone."""
    try:
        return parts.find_blob_store(settings).get(sha256)
    except BlobMissing:
        raise NotThere(f"{sha256} is missing from the blob store") from None
    except BlobDamaged:
        raise NotThere(f"{sha256} in the blob store is damaged") from None
