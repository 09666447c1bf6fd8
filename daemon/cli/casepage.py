"""A case on a terminal: facts on top, then what was said, like a pile of letters."""

from collections.abc import Callable, Sequence
from datetime import datetime
from textwrap import indent
from typing import Any

import click

from chamado.config.units import in_bytes
from chamado.daemon import whose
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import print_facts, print_table
from chamado.daemon.parts import utc_now

Show = Callable[[datetime | None], str]

#: What the flags of an entry mean to whoever answers it.
FLAGS = {
    "unverified_sender": "nobody vouches for the sender",
    "answers_mail_to_another_participant": "answers a letter to somebody else",
    "not_a_participant": "the sender takes no part in this case",
    "looks_like_a_loop": "looks like two machines answering each other",
    "message_id_seen_before": "its Message-ID was seen before, on other content",
    "with_survey_vote": "came with a vote on the survey",
    "vote_after_expiry": "a vote on a survey that had expired",
    "only_thanks": "says thank you and no more, so the case was not opened again",
    "reopened_too_often": "was not opened again: too many reopenings within a day",
    "forwarded_by_agent": "an agent sent it on; nobody vouches for the customer",
    "not_delivered": "did not reach everybody: see chamado outbox list --state failed",
    "bad_token": "came with a reply address that we did not make for it",
}
_HEADS = ("number", "status", "pri", "opened", "due", "requester", "subject")
#: What a case may be owed, in words.
OWED = {
    "first_response": "first answer",
    "next_response": "answer",
    "resolution": "resolution",
}


def print_list(cases: Sequence[dict[str, Any]], show: Show) -> None:
    """Print one line a case."""
    rows = [
        (
            f"#{case['number']}",
            case["status"],
            case["priority"],
            show(case["opened_at"]),
            _owed(case["next_due"], show)
            or ("answered" if case["first_response_at"] else ""),
            terminal.fitted(_who(case["requester"]), 32),
            terminal.subject(case["subject"]),
        )
        for case in cases
    ]
    print_table(_HEADS, rows, shrink="requester", spare="opened")


def print_case(case: dict[str, Any], show: Show, zone: str, *, full: bool) -> None:
    """Print a whole case; `full` with the quoted text of the letters too."""
    click.echo(terminal.line(f"#{case['number']} {case['subject']}"))
    click.echo()
    print_facts(_facts(case, show, zone))
    for entry in case["entries"]:
        click.echo()
        _print_entry(entry, show, full=full)


def _facts(case: dict[str, Any], show: Show, zone: str) -> list[tuple[str, object]]:
    how = f"severity {case['severity']}, impact {case['impact']}"
    requester = case["requester"]
    proven = "verified" if requester["verified"] else "not verified"
    others = [p for p in case["participants"] if p["address"] != requester["address"]]
    ended = case["resolution"] or ""
    return [
        ("status", f"{case['status']} {ended}".strip()),
        ("priority", f"{case['priority']} ({how})"),
        ("requester", f"{_who(requester)} ({proven})"),
        ("with", ", ".join(_who(person) for person in others)),
        ("team", case["team"]),
        ("assignee", case["assignee"]),
        ("specialist for", case["specialty"]),
        ("tags", ", ".join(case["tags"])),
        ("waiting", _waiting(case, show)),
        ("channel", f"{case['channel']}, {case['language']}"),
        ("opened", f"{show(case['opened_at'])} ({zone})"),
        ("due", _owed(case["next_due"], show)),
        ("first answer due", show(case["first_response_due"])),
        ("answered", show(case["first_response_at"])),
        ("resolved", show(case["resolved_at"])),
        ("related", ", ".join(_link(link) for link in case["related"])),
        ("survey", _survey(case["survey"], show)),
    ]


def _owed(due: dict[str, Any] | None, show: Show) -> str:
    if due is None:
        return ""
    what = OWED[due["kind"]]
    if due["paused"]:
        return f"paused ({what})"
    late = "late: " if due["at"] < utc_now() else ""
    return f"{late}{show(due['at'])} ({what})"


def _waiting(case: dict[str, Any], show: Show) -> str:
    since = case["waiting_since"]
    return f"for the customer, since {show(since)}" if since else ""


def _survey(survey: dict[str, Any] | None, show: Show) -> str:
    if survey is None:
        return ""
    words = {
        "scheduled": f"to be sent {show(survey['due_at'])}",
        "sent": f"sent {show(survey['sent_at'])}, not answered",
        "answered": f"{survey['score']} of 5, {show(survey['answered_at'])}",
        "expired": "not answered",
        "cancelled": f"not sent: {str(survey['reason']).replace('_', ' ')}",
    }
    return words[survey["state"]]


def _print_entry(entry: dict[str, Any], show: Show, *, full: bool) -> None:
    author = entry["author"]
    if entry["kind"] == "event":
        first, *rest = terminal.block(entry["text"]).split("\n")
        text = f"{first} ({author['address']})".replace(" ()", "")
        click.echo(terminal.line(f"·  {show(entry['at'])} · {text}"))
        if rest:
            click.echo(indent("\n".join(rest), "   "))
        return
    name = entry["kind"] if entry["public"] else f"{entry['kind']}, not public"
    number = f"{entry['id']} · " if entry["id"] > 0 else ""
    head = f"{number}{show(entry['at'])} · {_who(author)} · {name}"
    click.echo(terminal.line(f"── {head}"))
    for flag in entry["flags"]:
        click.echo(terminal.line(f"   ! {FLAGS.get(flag, flag)}"))
    words = entry["text"] if full else entry["reply"]
    if words.strip():
        click.echo(indent(terminal.block(words.strip("\n")), "   "))
    if not full and len(entry["text"].strip()) > len(entry["reply"].strip()):
        click.echo("   [quoted text left out; --full shows it]")
    for file in entry["attachments"]:
        click.echo(terminal.line(f"   [file {file['id']}] {_file(file)}"))
        if full and file.get("words"):
            click.echo(indent(terminal.block(file["words"].strip("\n")), "     : "))


def _file(file: dict[str, Any]) -> str:
    pixels = f", {file['width']}x{file['height']}" if file["width"] else ""
    kind = f"{file['content_type']}, {in_bytes(file['size'])}{pixels}"
    return f"{file['name']}  ({kind}, {file['role']})"


def _link(link: dict[str, Any]) -> str:
    return f"#{link['number']} {str(link['kind']).replace('_', ' ')}"


def _who(person: dict[str, Any]) -> str:
    return whose.shown(person["name"], person["address"])
