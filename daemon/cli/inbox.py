"""`chamado inbox`: the ledger of everything that was ever accepted."""

from typing import Any

import click

from chamado.config.units import in_bytes
from chamado.daemon.cli import reasons, terminal
from chamado.daemon.cli.ledgers import (
    act,
    before_option,
    id_argument,
    ids_argument,
    numbers,
    print_done,
    print_page,
    reason_of,
)
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    limit_option,
    number_of,
    opened,
    print_facts,
    print_json,
    raw_option,
    reason_option,
)
from chamado.daemon.cli.ticket import from_blobs
from chamado.daemon.parts import utc_now
from chamado.daemon.refusal import NotThere
from chamado.daemon.store import inbox, listings

STATES = ("received", "done", "failed")
_HEADS = ("id", "state", "outcome", "ticket", "received", "from", "subject")


@click.group("inbox")
def inbox_group() -> None:
    """Look at what was accepted, and help what could not be understood."""


@inbox_group.command("list")
@config_option
@json_option
@limit_option
@click.option("--state", type=click.Choice(STATES))
@click.option("--outcome", type=click.Choice(list(reasons.OUTCOMES)))
@before_option
@click.pass_context
def inbox_list(
    context: click.Context,
    state: str | None,
    outcome: str | None,
    before: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List messages, newest first."""
    below = number_of(before, "message") if before else None
    with opened(context) as (settings, store), store.read() as work:
        rows = listings.inbox_rows(
            work, state=state, outcome=outcome, before=below, limit=limit
        )
    show = terminal.clock(settings.service.timezone)
    print_page(
        rows,
        _HEADS,
        lambda row: (
            row["id"],
            row["state"],
            row["outcome"] or row["error"],
            f"#{row['ticket']}" if row["ticket"] else "",
            show(row["received_at"]),
            terminal.fitted(sender(row), 32),
            terminal.subject(row["subject"]),
        ),
        limit=limit,
        as_json=as_json,
        shrink="from",
    )


@inbox_group.command("show")
@config_option
@json_option
@id_argument
@raw_option
@click.pass_context
def inbox_show(context: click.Context, id_: str, raw: bool, as_json: bool) -> None:
    """Show one message; --raw its bytes as they were accepted."""
    wanted = number_of(id_, "message")
    with opened(context) as (settings, store):
        with store.read() as work:
            row = listings.inbox_row(work, wanted)
            bytes_ = listings.inbox_raw(work, wanted) if raw else None
        if row is None:
            raise NotThere(f"there is no message {wanted} in the inbox")
        if bytes_:
            content = bytes_.content
            if content is None:
                content = from_blobs(settings, bytes_.sha256)
            terminal.raw(content)
            return
    if as_json:
        print_json(row)
        return
    show = terminal.clock(settings.service.timezone)
    print_facts(_facts(row, show))


@inbox_group.command("retry")
@config_option
@json_option
@ids_argument
@click.pass_context
def inbox_retry(context: click.Context, ids: tuple[str, ...], as_json: bool) -> None:
    """Let failed messages be understood once more, with a clean slate."""
    wanted = numbers(ids, "message")
    with opened(context) as (_, store), store.write() as work:
        done = act(
            "message",
            wanted,
            listings.inbox_states(work, wanted),
            lambda ids: inbox.retry(work, ids),
            "only what is failed can be tried again",
        )
    print_done(done, "waits for the daemon to take it up", as_json=as_json)


@inbox_group.command("drop")
@config_option
@json_option
@id_argument
@reason_option
@click.pass_context
def inbox_drop(context: click.Context, id_: str, reason: str, as_json: bool) -> None:
    """Give a message up that cannot be understood; its raw bytes stay."""
    wanted, why = numbers([id_], "message"), reason_of(reason)
    with opened(context) as (_, store), store.write() as work:
        done = act(
            "message",
            wanted,
            listings.inbox_states(work, wanted),
            lambda ids: inbox.drop(work, ids, why, utc_now()),
            "only what waits or is failed can be dropped",
        )
    print_done(done, f"dropped: {terminal.line(why)}", as_json=as_json)


def sender(row: dict[str, Any]) -> str:
    """Say whom the envelope names as the sender."""
    if row["mail_from"] is None:
        return "(no envelope)"
    return row["mail_from"] or "<>"


def _facts(row: dict[str, Any], show: Any) -> list[tuple[str, object]]:
    state = row["outcome"] or row["state"]
    return [
        ("message", row["id"]),
        ("state", f"{row['state']} {row['outcome'] or ''}"),
        ("means", reasons.OUTCOMES.get(state, reasons.STATES.get(state, ""))),
        ("error", row["error"]),
        ("ticket", f"#{row['ticket']}" if row["ticket"] else ""),
        ("subject", row["subject"]),
        ("from", row["from_address"]),
        ("envelope from", sender(row)),
        ("envelope to", ", ".join(row["rcpt_tos"])),
        ("peer", row["peer"]),
        ("login", row["login"]),
        ("message-id", row["message_id"]),
        ("source", f"{row['source']} ({row['source_key']})"),
        ("received", show(row["received_at"])),
        ("processed", show(row["processed_at"])),
        ("attempts", f"{row['attempts']}, strikes {row['strikes']}"),
        ("size", in_bytes(row["size"])),
        ("sha256", row["sha256"]),
        ("reason", (row["why"] or {}).get("reason")),
        ("more", f"chamado why {row['id']}"),
    ]
