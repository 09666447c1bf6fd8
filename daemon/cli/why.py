"""`chamado why`: why a message became what it became, in words for a newcomer."""

from collections.abc import Sequence
from typing import Any

import click

from chamado.daemon.cli import reasons, terminal
from chamado.daemon.cli.casepage import FLAGS
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    number_of,
    opened,
    print_facts,
    print_json,
)
from chamado.daemon.refusal import NotThere
from chamado.daemon.store import listings, outbox
from chamado.daemon.store.engine import Work
from chamado.parsers.sanitise import clean_line


@click.command("why")
@config_option
@json_option
@click.argument("name", metavar="ID-OR-MESSAGE-ID")
@click.pass_context
def why(context: click.Context, name: str, as_json: bool) -> None:
    """Say which signals fired, what led to the case, and what was answered.

    The number of a message in the inbox gives one answer; a Message-ID gives one for
    each message that carries it.
    """
    with opened(context) as (settings, store), store.read() as work:
        by_id = name.removeprefix("#").isdecimal()
        found = _by_id(work, name) if by_id else _by_message_id(work, name)
        answers = [_answer(work, row) for row in found]
    if as_json:
        print_json(answers[0] if by_id else answers)
        return
    show = terminal.clock(settings.service.timezone)
    for number, answer in enumerate(answers):
        if number:
            click.echo()
        _print(answer, show)


def _by_id(work: Work, name: str) -> list[dict[str, Any]]:
    wanted = number_of(name, "message")
    row = listings.inbox_row(work, wanted)
    if row is None:
        raise NotThere(f"there is no message {wanted} in the inbox")
    return [row]


def _by_message_id(work: Work, name: str) -> list[dict[str, Any]]:
    message_id = clean_line(name).strip().removeprefix("<").removesuffix(">")
    found = listings.inbox_by_message_id(work, message_id)
    if found:
        return found
    letter = outbox.by_message_id(work, message_id)
    if letter:
        raise NotThere(
            f"that is a letter of ours and never came in; "
            f"`chamado outbox show {letter['id']}` tells of it"
        )
    raise NotThere(
        f"no message {message_id} was accepted here; "
        f"`chamado mailbox list` and `chamado doctor` say whether mail comes in"
    )


def _answer(work: Work, row: dict[str, Any]) -> dict[str, Any]:
    reason = row["why"] or {}
    state = row["outcome"] or row["state"]
    ack = row["ack"]
    letters: Sequence[dict[str, Any]] = ()
    if ack == "queued" and row["ticket"]:
        letters = listings.letters_of(work, row["ticket"], "ack")
    rung = reason.get("rung")
    known = isinstance(rung, int) and 0 <= rung < len(reasons.RUNGS)
    return {
        "inbox_id": row["id"],
        "message_id": row["message_id"],
        "subject": row["subject"],
        "source": row["source"],
        "received_at": row["received_at"],
        "state": row["state"],
        "outcome": row["outcome"],
        "meaning": reasons.OUTCOMES.get(state, reasons.STATES.get(state, "")),
        "ticket": row["ticket"],
        "entry_id": row["entry_id"],
        "kind": row["kind"],
        "signals": reason.get("hits", []),
        "no_ack": reason.get("no_ack"),
        "no_reopen": reason.get("no_reopen"),
        "auth": row["auth"],
        "rule": reason.get("decision") or reason.get("reason"),
        "flags": reason.get("flags", []),
        "triage": reason.get("triage", []),
        "ack": ack,
        "ack_meaning": reasons.ack(ack) if row["state"] == "done" else "",
        "ack_letters": list(letters),
        "defects": reason.get("defects", []),
        "rung": rung,
        "rung_meaning": reasons.RUNGS[int(rung or 0)] if known else "",
        "attempts": row["attempts"],
        "strikes": row["strikes"],
        "error": row["error"],
        "copies": [
            id_
            for id_ in listings.copies(work, row["content_digest"])
            if id_ != row["id"]
        ],
    }


def _print(answer: dict[str, Any], show: Any) -> None:
    ticket = f" #{answer['ticket']}" if answer["ticket"] else ""
    letters = ", ".join(
        f"letter {one['id']} to {one['to']} is {one['state']}"
        for one in answer["ack_letters"]
    )
    signals = answer["signals"]
    print_facts(
        [
            ("message", f"{answer['inbox_id']}  {answer['message_id'] or ''}"),
            ("subject", answer["subject"]),
            ("came", f"{show(answer['received_at'])} by {answer['source']}"),
            ("became", f"{answer['outcome'] or answer['state']}{ticket}"),
            ("means", answer["meaning"]),
            ("because", answer["rule"]),
            ("error", answer["error"]),
            ("written by", answer["kind"]),
            ("signals", "" if signals or not answer["kind"] else "none fired"),
            *(("signal", f"{hit['rule']}: {hit['why']}") for hit in signals),
            ("sender", reasons.AUTH.get(answer["auth"] or "", "")),
            *(("flag", FLAGS.get(flag, flag)) for flag in answer["flags"]),
            *(("triage", said) for said in answer["triage"]),
            ("answer", " — ".join(filter(None, (answer["ack_meaning"], letters)))),
            ("wakes a case", "no" if answer["no_reopen"] else ""),
            ("read", answer["rung_meaning"]),
            ("strikes", answer["strikes"] or ""),
            *(("defect", defect) for defect in answer["defects"]),
            ("copies", ", ".join(f"message {id_}" for id_ in answer["copies"])),
        ]
    )
