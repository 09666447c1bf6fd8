"""`chamado outbox`: the letters, those that left and those that wait or came back."""

import click

from chamado.daemon import lost
from chamado.daemon.cli import terminal
from chamado.daemon.cli.desk import at_desk
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
from chamado.daemon.parts import utc_now
from chamado.daemon.refusal import NotThere
from chamado.daemon.store import listings, outbox

STATES = ("queued", "sending", "sent", "deferred", "failed", "unknown")
_HEADS = ("id", "kind", "ticket", "state", "tries", "next", "to", "said")


@click.group("outbox")
def outbox_group() -> None:
    """Look at outgoing letters, and help those that are stuck."""


@outbox_group.command("list")
@config_option
@json_option
@limit_option
@click.option("--state", type=click.Choice(STATES))
@before_option
@click.pass_context
def outbox_list(
    context: click.Context,
    state: str | None,
    before: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List letters, newest first."""
    below = number_of(before, "letter") if before else None
    with opened(context) as (settings, store), store.read() as work:
        rows = listings.outbox_rows(work, state=state, before=below, limit=limit)
    show = terminal.clock(settings.service.timezone)
    print_page(
        rows,
        _HEADS,
        lambda row: (
            row["id"],
            row["kind"],
            f"#{row['ticket']}" if row["ticket"] else "",
            row["state"],
            row["attempts"],
            show(row["next_attempt_at"]),
            row["to"],
            row["last_reply"],
        ),
        limit=limit,
        as_json=as_json,
    )


@outbox_group.command("show")
@config_option
@json_option
@id_argument
@raw_option
@click.pass_context
def outbox_show(context: click.Context, id_: str, raw: bool, as_json: bool) -> None:
    """Show one letter; --raw the very bytes that every attempt sends."""
    wanted = number_of(id_, "letter")
    with opened(context) as (settings, store), store.read() as work:
        row = listings.outbox_row(work, wanted)
        content = listings.outbox_content(work, wanted) if raw else None
    if row is None:
        raise NotThere(f"there is no letter {wanted} in the outbox")
    if content is not None:
        terminal.raw(content)
        return
    if as_json:
        print_json(row)
        return
    show = terminal.clock(settings.service.timezone)
    print_facts(
        [
            ("letter", f"{row['id']} ({row['kind']})"),
            ("state", row["state"]),
            ("ticket", f"#{row['ticket']}" if row["ticket"] else ""),
            ("to", row["to"]),
            ("envelope from", row["mail_from"] or "<>"),
            ("subject", row["subject"]),
            ("message-id", row["message_id"]),
            ("attempts", row["attempts"]),
            ("queued", show(row["created_at"])),
            ("next attempt", show(row["next_attempt_at"])),
            ("sent", show(row["sent_at"])),
            ("relay said", row["last_reply"]),
            ("in doubt", "never sent twice" if row["at_most_once"] else "sent again"),
        ]
    )


@outbox_group.command("retry")
@config_option
@json_option
@ids_argument
@click.pass_context
def outbox_retry(context: click.Context, ids: tuple[str, ...], as_json: bool) -> None:
    """Send letters now that wait, failed, or are in doubt.

    A letter in doubt may have arrived: the customer then gets it twice. An answer that
    had failed counts as one from now, if the relay takes it this time.
    """
    wanted = numbers(ids, "letter")
    with at_desk(context) as here, here.store.write() as work:
        done = act(
            "letter",
            wanted,
            listings.outbox_states(work, wanted),
            lambda ids: lost.retry(work, ids, here.desk.promises, utc_now()),
            "only what is failed, deferred or unknown can be sent again",
        )
    print_done(done, "queued again", as_json=as_json)


@outbox_group.command("drop")
@config_option
@json_option
@id_argument
@reason_option
@click.pass_context
def outbox_drop(context: click.Context, id_: str, reason: str, as_json: bool) -> None:
    """Give a letter up that was not sent."""
    wanted, why = numbers([id_], "letter"), reason_of(reason)
    with opened(context) as (_, store), store.write() as work:
        done = act(
            "letter",
            wanted,
            listings.outbox_states(work, wanted),
            lambda ids: outbox.drop(work, ids, why),
            "only what is queued, deferred or unknown can be dropped",
        )
    print_done(done, f"dropped: {terminal.line(why)}", as_json=as_json)
