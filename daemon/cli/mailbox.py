"""`chamado mailbox`: are the mailboxes watched, and is all of their mail accounted for?

Only ever looks: folders are opened for reading, nothing is marked or moved.
"""

from typing import Any

import click

from chamado.config.settings import Mailbox, Settings
from chamado.daemon import parts, reconcile
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    opened,
    print_json,
    print_table,
)
from chamado.daemon.refusal import NotThere, Unavailable
from chamado.daemon.sources.imap_words import MailboxTrouble
from chamado.daemon.store import listings

_HEADS = ("mailbox", "state", "watched by", "last success", "uid", "folder", "trouble")


@click.group("mailbox")
def mailbox_group() -> None:
    """Look after the mailboxes that mail is taken from."""


@mailbox_group.command("list")
@config_option
@json_option
@click.pass_context
def mailbox_list(context: click.Context, as_json: bool) -> None:
    """List the mailboxes with the state of their connections."""
    host = parts.identity().host
    with opened(context) as (settings, store), store.read() as work:
        states = listings.mailboxes(work, host, parts.utc_now())
    rows = [_listed(box, states.get(box.name, {})) for box in settings.mailbox]
    if as_json:
        print_json(rows)
        return
    show = terminal.clock(settings.service.timezone)
    print_table(
        _HEADS,
        [
            (
                row["name"],
                "connected" if row["connected"] else "not connected",
                row["watched_by"] or "nobody",
                show(row["last_success_at"]),
                row["last_uid"],
                f"{row['user']}@{row['host']}/{row['folder']}",
                row["error"],
            )
            for row in rows
        ],
    )


def _listed(box: Mailbox, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": box.name,
        "host": box.host,
        "user": box.user,
        "folder": box.folder,
        "connected": bool(state.get("connected")),
        "watched_by": state.get("watched_by"),
        "error": state.get("error", ""),
        "last_success_at": state.get("last_success_at"),
        "changed_at": state.get("changed_at"),
        "uidvalidity": state.get("uidvalidity"),
        "last_uid": state.get("last_uid"),
    }


@mailbox_group.command("reconcile")
@config_option
@json_option
@click.argument("name", required=False)
@click.pass_context
def mailbox_reconcile(context: click.Context, name: str | None, as_json: bool) -> None:
    """Compare every message on the server with the ledger; exit 1 on a gap."""
    with opened(context) as (settings, store):
        boxes = _chosen(settings, name)
        found = []
        for box in boxes:
            try:
                found.append(reconcile.compare(box, store, settings.limits))
            except MailboxTrouble as error:
                raise Unavailable(f"mailbox {box.name}: {error}") from None
    if as_json:
        print_json([reconcile.document(one) for one in found])
    else:
        for one in found:
            _print(one)
    if any(one.gaps for one in found):
        raise SystemExit(1)


def _chosen(settings: Settings, name: str | None) -> list[Mailbox]:
    boxes = [box for box in settings.mailbox if name in (None, box.name)]
    if not boxes and name:
        known = ", ".join(box.name for box in settings.mailbox) or "none"
        raise NotThere(f"there is no mailbox {terminal.line(name)}; there are: {known}")
    return boxes


def _print(one: reconcile.Comparison) -> None:
    click.echo(
        f"{one.mailbox}: {one.on_server} on the server, {one.on_server - len(one.gaps)}"
        f" with an outcome, {len(one.gaps)} without"
    )
    print_rows = [
        (gap.uid, gap.state, gap.inbox_id or "", gap.way_out) for gap in one.gaps[:100]
    ]
    if print_rows:
        print_table(("uid", "state", "inbox", "what to do"), print_rows)
    if len(one.gaps) > 100:
        click.echo(f"… and {len(one.gaps) - 100} more; --json lists them all")
