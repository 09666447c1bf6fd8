"""Reports for people: tables, and bars on a terminal."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import click

from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import print_table
from chamado.daemon.reports import Document

BAR = 40
OUTAGES_SHOWN = 20
#: Up to so many days are shown one by one, more of them by week.
DAYS_SHOWN = 14
_NONE = "–"
_VOID = "void: over before it was due, spam, a duplicate, or nothing promised any more"
_PROMISES = {
    "first_response": "first response",
    "next_response": "next response",
    "resolution": "resolution",
}
Show = Callable[[datetime | None], str]


def duration(seconds: float | None) -> str:
    """Say a time in its two largest units: 1 h 05 min."""
    if seconds is None:
        return _NONE
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        rest = f" {minutes % 60:02} min" if minutes % 60 else ""
        return f"{minutes // 60} h{rest}"
    hours = round(seconds / 3600)
    rest = f" {hours % 24} h" if hours % 24 else ""
    return f"{hours // 24} d{rest}"


def share(percent: float | None) -> str:
    """Say a share; of nothing there is none."""
    return _NONE if percent is None else f"{percent:.2f} %"


def bar(value: float, most: float) -> str:
    """Draw a value; something is never drawn as nothing."""
    if most <= 0 or value <= 0:
        return ""
    return "█" * max(round(BAR * value / most), 1)


def sla(report: Document, show: Show, *, plot: bool) -> None:
    """Promises kept, times to the first answer, and both by group."""
    _head("Promises that began", report, show)
    columns = ("promised", "in_time", "late", "missed", "running", "waiting", "void")
    total = report["total"]
    _table(
        ("promise", "kept", *(name.replace("_", " ") for name in columns)),
        [
            (words, share(total[kind]["attained_percent"]), *_of(total[kind], columns))
            for kind, words in _PROMISES.items()
        ],
    )
    click.echo(f"kept: of those that were due. {_VOID}.")
    target, promise = report["target_seconds"], report["promise_seconds"]
    within = tuple(f"within {duration(s)}" for s in (target, promise))
    first = total["first_response"]
    _table(
        ("first answer", "answers", "mean", "p50", "p90", "p95", *within),
        [
            ("in opening hours", *_spread(first["business"])),
            ("on the wall clock", *_spread(first["wall"])),
        ],
    )
    for name, groups in report["by"].items():
        _table(
            (name, "cases", "kept", "next kept", "solved in time", *_QUANTILES),
            [(group[name], *_kept(group)) for group in groups],
        )
    if plot:
        means = [
            (week["week"], week["first_response"]["business"]["mean"] or 0.0)
            for week in report["by"]["week"]
        ]
        _plot(
            f"mean time to the first answer by week (aim: {duration(target)})",
            [(week, mean, duration(mean)) for week, mean in means],
        )


def csat(report: Document, show: Show, *, plot: bool) -> None:
    """Scores, by group, and what unhappy customers wrote."""
    _head("Questions that were sent", report, show)
    heads = ("sent", "undelivered", "answers", "rate", "4 or 5", "average")
    _table(("", *heads), [("total", *_scores(report["total"]))])
    for name, groups in report["by"].items():
        _table((name, *heads), [(g[name] or _NONE, *_scores(g)) for g in groups])
    for reason, count in report["not_sent"].items():
        click.echo(f"not sent, {terminal.line(reason)}: {count}")
    low = report["comments"]
    if low:
        _table(
            ("case", "score", "agent", "answered", "said"),
            [
                (
                    f"#{one['number']}",
                    one["score"],
                    one["agent"] or _NONE,
                    show(one["answered_at"]),
                    one["comment"] or "(no words)",
                )
                for one in low
            ],
        )
    if plot:
        scores = report["total"]["scores"]
        _plot("scores", [(n, count, str(count)) for n, count in scores.items()])


def volume(report: Document, show: Show, *, plot: bool) -> None:
    """What came and went, by day or week, and by group."""
    _head("Cases that came and went", report, show)
    columns = ("opened", "resolved", "ended_otherwise", "reopened", "backlog")
    heads = ("opened", "resolved", "ended otherwise", "reopened", "open at the end")
    total = report["total"]
    before = f"open before: {total['backlog_before']}"
    _table(("", *heads), [("total", *_of(total, columns))])
    click.echo(before)
    by = dict(report["by"])
    resolutions = by.pop("resolution")
    by.pop("week" if len(by["day"]) <= DAYS_SHOWN else "day")
    for name, groups in by.items():
        _table((name, *heads), [(g[name], *_of(g, columns)) for g in groups])
    _table(
        ("resolution", "resolved"),
        [(one["resolution"], one["resolved"]) for one in resolutions],
    )
    if plot:
        name = next(iter(by))
        bars = [(g[name], g["backlog"], str(g["backlog"])) for g in by[name]]
        _plot(f"open at the end of each {name}", bars)


def availability(report: Document, show: Show, *, plot: bool) -> None:
    """How much was up, against the promise, and when it was not."""
    _head("Availability", report, show)
    if report["measured_from"] is None:
        click.echo("nothing is measured in this time: no daemon noted a heartbeat")
        click.echo(f"measured: {report['measures']}")
        return
    total = report["total"]
    verdict = "kept" if report["kept"] else "NOT kept"
    promised = f"promised {report['promised_percent']} %: "
    promised += "nothing to tell yet" if report["kept"] is None else verdict
    click.echo(f"{share(total['available_percent'])} up, {promised}")
    click.echo(
        f"down {duration(total['down_seconds'])} of "
        f"{duration(total['measured_seconds'])}, "
        f"measured from {show(report['measured_from'])}"
    )
    weeks = report["by"]["week"]
    _table(
        ("week", "up", "down"),
        [
            (w["week"], share(w["available_percent"]), duration(w["down_seconds"]))
            for w in weeks
        ],
    )
    longest = sorted(report["outages"], key=lambda o: -o["seconds"])
    _table(
        ("down from", "until", "for"),
        [
            (show(o["from"]), show(o["until"]), duration(o["seconds"]))
            for o in longest[:OUTAGES_SHOWN]
        ],
    )
    if len(longest) > OUTAGES_SHOWN:
        click.echo(f"… and {len(longest) - OUTAGES_SHOWN} shorter ones: --json has all")
    click.echo(f"measured: {report['measures']}")
    if plot:
        bars = [(w["week"], w["available_percent"] or 0.0) for w in weeks]
        _plot("up by week", [(week, up, share(up)) for week, up in bars], most=100.0)


PAGES = {
    "sla": sla,
    "csat": csat,
    "volume": volume,
    "availability": availability,
}
_QUANTILES = ("mean", "p50", "p90", "p95")


def _head(title: str, report: Document, show: Show) -> None:
    click.echo(
        f"{title} from {show(report['since'])} to {show(report['until'])} "
        f"({report['timezone']})"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if rows:
        click.echo()
        print_table(heads, rows)


def _of(figures: Document, names: Sequence[str]) -> list[Any]:
    return [figures[name] for name in names]


def _spread(times: Document) -> list[str | int]:
    shares = ("within_target_percent", "within_promise_percent")
    return [
        times["n"],
        *(duration(times[name]) for name in _QUANTILES),
        *(share(times[name]) for name in shares),
    ]


def _kept(group: Document) -> list[str | int]:
    first = group["first_response"]
    return [
        first["promised"],
        *(share(group[kind]["attained_percent"]) for kind in _PROMISES),
        *(duration(first["business"][name]) for name in _QUANTILES),
    ]


def _scores(figures: Document) -> list[object]:
    average = figures["average"]
    return [
        *_of(figures, ("sent", "undelivered", "answers")),
        share(figures["response_percent"]),
        share(figures["top2_percent"]),
        _NONE if average is None else f"{average:.2f}",
    ]


def _plot(
    title: str, rows: Sequence[tuple[str, float, str]], most: float | None = None
) -> None:
    if not rows:
        return
    scale = most or max(value for _, value, _ in rows)
    click.echo(f"\n{title}")
    for name, value, text in rows:
        drawn = terminal.padded(bar(value, scale), BAR)
        click.echo(f"{name:10} {drawn} {text}")
