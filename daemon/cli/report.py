"""`chamado report`: what became of the promises, in figures."""

import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import click

from chamado.daemon.cli import reportpages, reportsheets, terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    opened,
    print_json,
    time_of,
)
from chamado.daemon.cli.sheet import print_sheet
from chamado.daemon.core.figures import midnight
from chamado.daemon.parts import utc_now
from chamado.daemon.reports import REPORTS, Window

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_DAYS = 30
MOST_DAYS = 3660


def _options(command: Command) -> Command:
    """Let a report be asked for a time, and be data for a script or a spreadsheet."""
    for option in (
        click.pass_context,
        click.option(
            "--plot/--no-plot", default=None, help="Bars; default: on a terminal."
        ),
        click.option("--csv", "as_csv", is_flag=True, help="A table for spreadsheets."),
        click.option("--until", help="The same, not included. Default: now."),
        click.option(
            "--since",
            help="A day of the service's zone, or a time in RFC 3339. Default: 30 days "
            "before.",
        ),
        json_option,
        config_option,
    ):
        command = cast(Command, option(command))
    return command


@click.group("report")
def report_group() -> None:
    """Figures: what was promised and kept, what came and went.

    Every report says which time it is about; what is told apart by week counts by the
    zone of the service.
    """


@report_group.command("sla")
@_options
def sla(context: click.Context, **how: Any) -> None:
    """Promises kept, and how long customers waited for a first answer."""
    _report(context, "sla", **how)


@report_group.command("csat")
@click.option(
    "--comments", is_flag=True, help="With --csv: the low scores and their words."
)
@_options
def csat(context: click.Context, comments: bool, **how: Any) -> None:
    """What customers answered when they were asked how it went."""
    _report(context, "csat", comments=comments, **how)


@report_group.command("volume")
@_options
def volume(context: click.Context, **how: Any) -> None:
    """Cases that came and went, and how many are open."""
    _report(context, "volume", **how)


@report_group.command("availability")
@_options
def availability(context: click.Context, **how: Any) -> None:
    """How much of the time the service was up."""
    _report(context, "availability", **how)


def _report(
    context: click.Context,
    name: str,
    *,
    since: str | None,
    until: str | None,
    plot: bool | None,
    as_json: bool,
    as_csv: bool,
    comments: bool = False,
) -> None:
    if as_json and as_csv:
        raise click.UsageError("--json and --csv are two different things")
    with opened(context) as (settings, store):
        zone = settings.service.timezone
        window = _window(since, until, ZoneInfo(zone))
        with store.read() as work:
            report = REPORTS[name](work, settings, window)
    if as_json:
        print_json(report)
    elif as_csv:
        sheet = reportsheets.comments if comments else reportsheets.SHEETS[name]
        print_sheet(*sheet(report))
    else:
        show = terminal.clock(zone)
        drawn = sys.stdout.isatty() if plot is None else plot
        reportpages.PAGES[name](report, show, plot=drawn)


def _window(since: str | None, until: str | None, zone: ZoneInfo) -> Window:
    now = utc_now()
    end = _moment(until, zone, "--until") or now
    start = _moment(since, zone, "--since")
    if start is None:
        day = end.astimezone(zone).date() - timedelta(days=DEFAULT_DAYS)
        start = midnight(day, zone)
    if start >= end:
        raise click.BadParameter("begins after it ends", param_hint="--since")
    if end - start > timedelta(days=MOST_DAYS):
        raise click.BadParameter("ten years at most", param_hint="--since")
    return Window(since=start, until=end, now=now, zone=zone)


def _moment(text: str | None, zone: ZoneInfo, name: str) -> datetime | None:
    if text is not None and "T" not in text and " " not in text:
        try:
            return midnight(date.fromisoformat(text), zone)
        except (ValueError, OverflowError):
            hint = f"{text!r} is no day like 2026-11-01"
            raise click.BadParameter(hint, param_hint=name) from None
    return time_of(text, name)
