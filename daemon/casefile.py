"""Cases as the outside sees them: the JSON object of `ticket show` and `ticket list`.

Three things make up what happened on a case: entries, the letters that we sent unasked
(acknowledgements), and changes that leave no other trace. The latter two are no entries
in the database, so their ids are negative: they cannot be split off or answered.
"""

import email
import email.policy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from chamado.daemon import copied, shown
from chamado.daemon.core.survey import masked
from chamado.daemon.lifelines import LIFE
from chamado.daemon.store import surveys as asked
from chamado.daemon.store import views
from chamado.daemon.store.due import Next, next_due
from chamado.daemon.store.engine import Work

Document = dict[str, Any]

_HEAD = (
    "number",
    "subject",
    "status",
    "priority",
    "severity",
    "impact",
    "channel",
    "language",
    "team",
    "assignee",
    "specialty",
    "tags",
)
_TIMES = (
    "opened_at",
    "first_response_due",
    "first_response_at",
    "waiting_since",
    "resolved_at",
    "closed_at",
)
_FILE = (
    "id",
    "name",
    "content_type",
    "size",
    "sha256",
    "role",
    "content_id",
    "width",
    "height",
)


def _changes(facts: dict[str, Any]) -> str:
    """Say `priority p3 → p1, assignee nobody → ana@acme.example`."""
    return ", ".join(
        f"{name} {pair[0] or 'none'} → {pair[1] or 'none'}"
        for name, pair in facts.items()
        if isinstance(pair, list) and len(pair) == 2
    )


def _vote(facts: dict[str, Any]) -> str:
    said = f": {facts['comment']}" if facts.get("comment") else ""
    return f"survey answered with {facts.get('score', '')} of 5{said}"


#: The kinds of letters that are shown beside the entries; other kinds have entries, or
#: say no more than the event that led to them.
LETTERS = ("ack", "survey")
#: The events that are shown, and in which words; what an entry tells is left out.
EVENTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "changed": _changes,
    "reopened": lambda _: "reopened",
    "resolved": lambda facts: f"resolved: {facts.get('resolution', '')}",
    "sla_breached": lambda facts: f"deadline missed: {facts.get('deadline', '')}",
    "sla_warned": lambda facts: f"deadline near: {facts.get('deadline', '')}",
    "answer_lost": lambda _: "the answer could not be delivered, so it is still owed",
    "not_delivered": lambda facts: (
        f"a letter to {facts.get('to', '')} was not delivered: {facts.get('said', '')}"
    ),
    "answer_arrived": lambda _: "the answer that had been refused was delivered",
    "delayed": lambda facts: f"a letter is delayed: {facts.get('said', '')}",
    **LIFE,
    "forwarded": lambda facts: f"forwarded by {facts.get('by', '')}",
    shown.KIND: shown.table,
    copied.KIND: copied.words,
    "survey_answered": _vote,
    "survey_doubted": lambda _: "survey: several scores within seconds, asked again",
    "low_score": lambda facts: f"low score: {facts.get('score', '')} of 5",
    "no_surveys": lambda _: "wants no more surveys",
}


def listing(work: Work, filters: views.Filters, limit: int) -> list[Document]:
    """Return a page of cases, as `ticket list` prints them."""
    return _documents(work, views.tickets(work, filters, limit))


def read(work: Work, number: int, service: str) -> Document | None:
    """Return the whole case, as `ticket show` prints it; None if there is none.

    `service` is the name under which we write unasked.
    """
    rows = views.heads(work, [number])
    if not rows:
        return None
    (head,) = _documents(work, rows)
    we = (service, rows[0]["address"])
    lost = views.undelivered(work, number)
    said = [
        *(_entry(row, lost) for row in views.entries(work, number)),
        *(_letter(row, *we) for row in views.letters(work, number, LETTERS)),
        *(_event(row) for row in views.events(work, number, tuple(EVENTS))),
    ]
    return {**head, "entries": sorted(said, key=lambda one: one["at"])}


def _documents(work: Work, rows: Sequence[views.Row]) -> list[Document]:
    numbers = [row["number"] for row in rows]
    people = views.participants(work, numbers)
    links = views.relations(work, numbers)
    surveys = asked.newest(work, numbers)
    due = next_due(work, numbers)
    return [
        {
            **{name: row[name] for name in _HEAD},
            "requester": {
                "name": row["requester_name"],
                "address": row["requester_address"],
                "verified": row["requester_verified"],
            },
            "participants": people[row["number"]],
            **{name: row[name] for name in _TIMES},
            "next_due": _owed(due.get(row["number"])),
            "resolution": row["resolution"],
            "related": links[row["number"]],
            "survey": surveys.get(row["number"]),
        }
        for row in rows
    ]


def _owed(next_: Next | None) -> Document | None:
    if next_ is None:
        return None
    return {"kind": next_.clock.value, "at": next_.at, "paused": next_.at is None}


def _entry(row: views.Row, lost: frozenset[int]) -> Document:
    names = ("id", "kind", "at", "public")
    texts = ("subject", "text", "reply", "quoted", "html", "message_id", "auth")
    return {
        **{name: row[name] for name in names},
        "author": {
            "name": row["author_name"],
            "address": row["author_address"],
            "role": row["author_role"],
        },
        **{name: row[name] for name in texts},
        "flags": [*row["flags"], *(["not_delivered"] if row["id"] in lost else [])],
        "inbox_id": row["inbox_id"],
        "attachments": [_file(a) for a in row["attachments"]],
    }


def _file(row: views.Row) -> Document:
    read = {"words": row["words"]} if row["words"] else {}
    return {name: row[name] for name in _FILE} | read


def _letter(row: views.Row, name: str, address: str) -> Document:
    subject, text = letter_text(row["content"])
    if row["kind"] == "survey":
        # Whoever reads the case must not be able to vote for the customer.
        text = masked(text)
    letter = _ours(
        id_=-2 * row["id"],
        kind=row["kind"],
        at=row["created_at"],
        public=True,
        name=name,
        address=address,
        subject=subject,
        text=text,
        message_id=row["message_id"],
    )
    return letter | {"flags": ["not_delivered"] if row["state"] == "failed" else []}


def _event(row: views.Row) -> Document:
    facts = {"trace": row["facts"]} if row["kind"] == shown.KIND else {}
    return facts | _ours(
        id_=-2 * row["id"] - 1,
        kind="event",
        at=row["at"],
        public=False,
        name="",
        address=row["who"],
        subject="",
        text=EVENTS[row["kind"]](row["facts"]),
        message_id=None,
    )


def _ours(
    *,
    id_: int,
    kind: str,
    at: datetime,
    public: bool,
    name: str,
    address: str,
    subject: str,
    text: str,
    message_id: str | None,
) -> Document:
    return {
        "id": id_,
        "kind": kind,
        "at": at,
        "public": public,
        "author": {"name": name, "address": address, "role": "system"},
        "subject": subject,
        "text": text,
        "reply": text,
        "quoted": "",
        "html": None,
        "message_id": message_id,
        "auth": "none",
        "flags": [],
        "inbox_id": None,
        "attachments": [],
    }


def letter_html(content: bytes) -> str:
    """Return the HTML of a letter of ours; never for mail of others."""
    letter = email.message_from_bytes(content, policy=email.policy.default)
    part = letter.get_body(("html",))
    return str(part.get_content()) if part is not None else ""


def letter_text(content: bytes) -> tuple[str, str]:
    """Return subject and text of a letter of ours; never for mail of others."""
    letter = email.message_from_bytes(content, policy=email.policy.default)
    part = letter.get_body(("plain",))
    text = str(part.get_content()) if part is not None else ""
    return str(letter["subject"] or ""), text.replace("\r\n", "\n").strip()
