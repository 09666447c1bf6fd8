"""Reports as flat tables: one row a figure's group, for spreadsheets."""

from collections.abc import Iterator, Sequence
from typing import Any

from chamado.daemon.reports import Document

Sheet = tuple[Sequence[str], list[list[Any]]]

_FATES = ("promised", "in_time", "late", "missed", "running", "waiting", "void")
_TIMES = (
    "mean",
    "p50",
    "p90",
    "p95",
    "within_target_percent",
    "within_promise_percent",
)
_ASKED = (
    "sent",
    "undelivered",
    "answers",
    "response_percent",
    "top2_percent",
    "average",
)
_FLOW = ("opened", "resolved", "ended_otherwise", "reopened", "backlog")
_UP = ("measured_seconds", "down_seconds", "available_percent")
_COMMENT = ("number", "agent", "score", "comment", "answered_at")


def sla(report: Document) -> Sheet:
    """A row for each group and promise."""
    times = [f"{clock}_{name}" for clock in ("business", "wall") for name in _TIMES]
    heads = ("by", "group", "promise", *_FATES, "attained_percent", "met", *times)
    rows = [
        [
            *named,
            kind,
            *(figures[name] for name in _FATES),
            figures["attained_percent"],
            figures["business"]["n"],
            *(figures[c].get(name) for c in ("business", "wall") for name in _TIMES),
        ]
        for named, group in _groups(report)
        for kind, figures in group.items()
        if kind != named[0]
    ]
    return heads, rows


def csat(report: Document) -> Sheet:
    """A row for each group."""
    scores = [str(number) for number in range(1, 6)]
    heads = ("by", "group", *_ASKED, *(f"score_{score}" for score in scores))
    rows = [
        [*named, *(group[n] for n in _ASKED), *(group["scores"][s] for s in scores)]
        for named, group in _groups(report)
    ]
    return heads, rows


def comments(report: Document) -> Sheet:
    """A row for each low score, with what the customer wrote."""
    return _COMMENT, [[c[name] for name in _COMMENT] for c in report["comments"]]


def volume(report: Document) -> Sheet:
    """A row for each group."""
    rows = [
        [*named, *(group.get(name) for name in _FLOW)]
        for named, group in _groups(report)
    ]
    return ("by", "group", *_FLOW), rows


def availability(report: Document) -> Sheet:
    """A row for each day and week, and one for each outage."""
    rows = [
        [*named, *(group[name] for name in _UP)] for named, group in _groups(report)
    ]
    rows += [
        ["outage", outage["from"], outage["seconds"], outage["seconds"], 0.0]
        for outage in report["outages"]
    ]
    return ("by", "group", *_UP), rows


def _groups(report: Document) -> Iterator[tuple[tuple[str, str], Document]]:
    yield ("total", ""), report["total"]
    for name, groups in report["by"].items():
        for group in groups:
            yield (name, group[name]), group


SHEETS = {
    "sla": sla,
    "csat": csat,
    "volume": volume,
    "availability": availability,
}
