"""`chamado report`: what a person, a script and a spreadsheet get to see."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from chamado.daemon.cli.reportpages import bar, duration, share
from chamado.daemon.cli.sheet import cell
from chamado.daemon.core.types import Resolution
from chamado.daemon.store import schema, uptime
from tests.support import promises as day
from tests.support.counter import Counter, counter
from tests.support.house import NOON, House

WINDOW = ("--since", "2026-11-24", "--until", "2026-12-24")


def a_case(home: House) -> int:
    """Opened at noon, answered after an hour, resolved after two."""
    number = day.opened(home)
    home.clock.move(hours=1)
    day.answered(home, number)
    home.clock.move(hours=1)
    day.resolved(home, number)
    return number


def survey(home: House, number: int, **more: Any) -> None:
    """The question about a case that was resolved, and its answer."""
    row = {
        "ticket": number,
        "resolution_event": home.rows(schema.event)[-1]["id"],
        "contact_id": day.ticket(home, number)["requester_id"],
        "agent": "bia@acme.example",
        "state": "answered",
        "due_at": home.clock(),
        "sent_at": home.clock(),
        "score": 1,
        "answered_at": home.clock(),
        "created_at": home.clock(),
    }
    with home.store.write() as work:
        work.execute(schema.vote.delete())
        work.execute(schema.survey.delete())
        work.execute(insert(schema.survey).values(row | more))


def up(home: House, minutes: int) -> None:
    """Heartbeats since noon."""
    for second in range(0, minutes * 60 + 1, 15):
        with home.store.write() as work:
            uptime.note(work, "a", "host", NOON + timedelta(seconds=second))


def sheet(text: str) -> list[dict[str, str]]:
    """A sheet as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(text)))


def test_promises_are_a_table_for_people(home: House, cli: Counter) -> None:
    """Which time, which zone, what was kept, and how fast against aim and promise."""
    a_case(home)
    said = cli.ok("report", "sla", *WINDOW).out
    assert "from 2026-11-24 00:00 to 2026-12-24 00:00 (America/Sao_Paulo)" in said
    assert "within 1 h 30 min" in said
    assert "within 24 h" in said
    first = next(row for row in said.splitlines() if row.startswith("first response"))
    assert first.split() == ["first", "response", "100.00", "%", *"1100000"]
    assert "2026-W48" in said
    assert "█" not in said


def test_bars_are_drawn_on_a_terminal_or_when_asked(home: House, cli: Counter) -> None:
    """A pipe gets none unless it wants some."""
    a_case(home)
    day.opened(home)
    up(home, 1)
    for name in ("sla", "volume", "availability"):
        assert "█" not in cli.ok("report", name, *WINDOW).out
        assert "█" in cli.ok("report", name, *WINDOW, "--plot").out


def test_reports_are_data_for_scripts(home: House, cli: Counter) -> None:
    """One document with its time, its zone and its figures; moments in UTC."""
    a_case(home)
    found = cli.json("report", "sla", *WINDOW)
    assert found["since"] == "2026-11-24T03:00:00.000Z"
    assert found["timezone"] == "America/Sao_Paulo"
    assert found["total"]["first_response"]["business"]["mean"] == 3600
    assert cli.json("report", "volume", *WINDOW)["total"]["resolved"] == 1
    up(home, 1)
    found = cli.json("report", "availability", *WINDOW)
    assert found["measured_from"] == "2026-11-25T12:00:00.000Z"
    assert cli.json("report", "csat", *WINDOW)["total"]["sent"] == 0


def test_sheets_have_one_row_a_group(home: House, cli: Counter) -> None:
    """Every promise of every group, in columns that a spreadsheet adds up."""
    a_case(home)
    rows = sheet(cli.ok("report", "sla", *WINDOW, "--csv").out)
    assert {row["by"] for row in rows} == {
        "total",
        "week",
        "team",
        "priority",
        "channel",
    }
    total = rows[0]
    assert (total["by"], total["promise"]) == ("total", "first_response")
    assert (total["in_time"], total["business_mean"]) == ("1", "3600.0")
    flow = sheet(cli.ok("report", "volume", *WINDOW, "--csv").out)
    assert flow[0]["opened"] == "1"
    assert {"by": "resolution", "group": "answered"}.items() <= flow[-1].items()
    up(home, 1)
    assert sheet(cli.ok("report", "availability", *WINDOW, "--csv").out)


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1+1",
        " =1+1",
        "\r=1",
        "＝1＋1",
    ],
)
def test_d03_no_cell_of_a_sheet_is_a_formula(
    home: House, cli: Counter, text: str
) -> None:
    """D-03: what a customer wrote is text to a spreadsheet, and quoted."""
    number = a_case(home)
    survey(home, number, comment=text)
    done = cli.ok("report", "csat", *WINDOW, "--csv", "--comments")
    (row,) = sheet(done.out)
    assert row["comment"].startswith("'")
    assert f'"{row["comment"]}"' in done.out
    assert done.raw.endswith(b"\r\n")


def test_d03_numbers_and_names_stay_what_they_are() -> None:
    """D-03: only what a spreadsheet would run gets an apostrophe."""
    assert cell(-1.5) == -1.5
    assert cell(None) == ""
    assert cell("suporte") == "suporte"
    assert cell(NOON) == "2026-11-25T12:00:00.000Z"


def test_low_scores_are_shown_with_their_words(home: House, cli: Counter) -> None:
    """Not as a terminal would obey them."""
    number = a_case(home)
    survey(home, number, comment="demorou \x1b[31mmuito")
    said = cli.ok("report", "csat", *WINDOW).out
    assert "demorou" in said
    assert "\x1b" not in said
    assert f"#{number}" in said
    assert "100.00 %" in said


def test_downtime_is_said_plainly(home: House, cli: Counter) -> None:
    """The share, the promise, whether it was kept, and what was measured at all."""
    nothing = cli.ok("report", "availability", *WINDOW).out
    assert "no daemon noted a heartbeat" in nothing
    up(home, 60)
    with home.store.write() as work:
        uptime.note(work, "b", "host", NOON + timedelta(hours=2))
    until = "2026-11-25T14:00:00Z"
    said = cli.ok("report", "availability", "--since", "2026-11-25", "--until", until)
    assert "50.00 % up, promised 99.4 %: NOT kept" in said.out
    assert "2026-11-25 10:00  2026-11-25 11:00  1 h" in said.out
    assert "at least one daemon" in said.out


def test_without_a_time_the_last_thirty_days_are_told(cli: Counter) -> None:
    """From a midnight on, and the report says which."""
    found = cli.json("report", "volume")
    assert 30 <= len(found["by"]["day"]) <= 31
    assert found["until"] == found["as_of"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--since", "yesterday"), "yesterday"),
        (("--since", "2026-02-30"), "2026-02-30"),
        (("--since", "2026-11-25T12:00:00"), "no time"),
        (("--since", "2026-11-25", "--until", "2026-11-25"), "begins after it ends"),
        (("--since", "0001-01-01"), "ten years"),
        (("--until", "9999-12-31"), ""),
        (("--json", "--csv"), "two different things"),
    ],
)
def test_a_time_that_is_none_is_refused(
    cli: Counter, arguments: tuple[str, ...], named: str
) -> None:
    """A usage error that repeats what was written."""
    done = cli.run("report", "sla", *arguments)
    assert done.code == (64 if named else done.code)
    assert named in done.err


def test_the_matrix_of_the_settings_orders_the_work(
    tmp_path: Path, database_url: str
) -> None:
    """Working order follows [priority]: here a low severity comes first."""
    upside_down = """
[priority]
critical = ["p4", "p4", "p4"]
high = ["p4", "p4", "p4"]
normal = ["p3", "p3", "p3"]
low = ["p1", "p1", "p2"]
"""
    cli = counter(tmp_path, database_url, more=upside_down)
    for severity in ("critical", "normal", "low"):
        cli.ok(
            *("ticket", "create", "--requester", "ana@example.com"),
            *("--subject", severity, "--channel", "phone", "--severity", severity),
            *("--body-file", "-", "--no-ack"),
            stdin="texto",
        )
    listed = cli.json("ticket", "list")
    assert [(t["subject"], t["priority"]) for t in listed] == [
        ("low", "p1"),
        ("normal", "p3"),
        ("critical", "p4"),
    ]


def test_spam_is_counted_and_told_apart(home: House, cli: Counter) -> None:
    """It spoils no percentage, and it is not silently gone."""
    number = day.opened(home)
    day.resolved(home, number, Resolution.SPAM)
    first = cli.json("report", "sla", *WINDOW)["total"]["first_response"]
    assert (first["void"], first["attained_percent"]) == (1, None)
    assert "void: over before it was due, spam" in cli.ok("report", "sla", *WINDOW).out


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3540, "59 min"),
        (3599, "1 h"),
        (3900, "1 h 05 min"),
        (172_799, "2 d"),
        (608_400, "7 d 1 h"),
    ],
)
def test_times_are_said_in_their_two_largest_units(
    seconds: float | None, said: str
) -> None:
    """1 h 05 min, and never 60 min."""
    assert duration(seconds) == said


def test_a_bar_of_something_is_never_empty() -> None:
    """And one of nothing always is."""
    assert bar(0.001, 100.0) == "█"
    assert bar(0, 100.0) == bar(5, 0) == ""
    assert len(bar(100.0, 100.0)) == 40
    assert share(None) == "–"
