"""Reports over small scripted days, every figure computed by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from chamado.config.settings import Agent, Sla, Survey
from chamado.daemon import merging
from chamado.daemon.core.types import Channel, Resolution
from chamado.daemon.reports import REPORTS, Window
from chamado.daemon.store import cases, schema, uptime
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support import promises as day
from tests.support.house import NOON, House, house

HOUR = 3600.0
ZONE = ZoneInfo("America/Sao_Paulo")
SALES = "vendas@acme.example"


def report(
    home: House, name: str, since: datetime, until: datetime | None = None
) -> dict[str, Any]:
    """A report as seen now."""
    now = home.clock()
    window = Window(since=since, until=until or now, now=now, zone=ZONE)
    with home.store.read() as work:
        return REPORTS[name](work, home.settings, window)


def later(home: House, minutes: float) -> None:
    """Move to so many minutes after noon."""
    home.clock.now = NOON + timedelta(minutes=minutes)


def a_day(home: House) -> None:
    """Twelve cases in 25 hours: what becomes of each is said beside it."""
    do = {
        name: day.opened(home) for name in ("A", "B", "D", "E", "F", "G", "I", "K", "L")
    }
    do["C"] = day.opened(home, to=SALES)
    do["H"] = day.opened(home, channel=Channel.WHATSAPP, ago=timedelta(days=7))
    script: list[tuple[float, Callable[[], object]]] = [
        (30, lambda: day.answered(home, do["A"])),  # in time, 1,800 s
        (60, lambda: day.answered(home, do["H"])),  # late, 7 days and 1 hour
        (60, lambda: day.waits(home, do["K"])),  # waits for the customer
        (90, lambda: day.answered(home, do["B"])),  # in time, 5,400 s, just the aim
        (120, lambda: day.waits(home, do["I"])),
        (180, lambda: lost.append(day.answered(home, do["L"]))),
        (240, lambda: day.answered(home, do["C"])),  # in time, 14,400 s
        (240, lambda: day.bounced(home, lost[0])),  # so L is not answered: missed
        (300, lambda: day.resolved(home, do["D"], Resolution.SPAM)),  # void
        (300, lambda: day.wrote(home, do["A"], text="E no celular?")),
        (360, lambda: day.answered(home, do["A"])),  # the next one, in time, 3,600 s
        (480, lambda: day.wrote(home, do["B"], text="Ainda azul.")),  # still runs
        (1200, lambda: day.wrote(home, do["I"], text="Segue a tela.")),
        (1320, lambda: day.answered(home, do["I"])),  # in time, 4 h; by the wall 22 h
        (1440, lambda: day.answered(home, do["E"])),  # in time, to the second
        (1470, lambda: day.opened(home)),  # J, runs
        (1500, lambda: day.answered(home, do["F"])),  # late, 90,000 s; G: missed
    ]
    lost: list[str] = []
    for minutes, step in script:
        later(home, minutes)
        step()


def test_the_promises_of_a_day(home: House) -> None:
    """Every case is in one column; shares are of those that were due."""
    a_day(home)
    found = report(home, "sla", NOON - timedelta(days=10))
    assert (found["target_seconds"], found["promise_seconds"]) == (5400, 86400)
    first = found["total"]["first_response"]
    fates = ("in_time", "late", "missed", "running", "waiting", "void")
    assert [first[name] for name in fates] == [5, 2, 2, 1, 1, 1]
    assert first["promised"] == 12
    assert first["attained_percent"] == 55.56
    assert first["business"] == {
        "n": 7,
        "mean": 117257.143,
        "p50": 14400,
        "p90": 608400,
        "p95": 608400,
        "within_target_percent": 28.57,
        "within_promise_percent": 71.43,
    }
    assert first["wall"] == {
        "n": 7,
        "mean": 126514.286,
        "p50": 79200,
        "p90": 608400,
        "p95": 608400,
        "within_target_percent": 28.57,
        "within_promise_percent": 71.43,
    }
    following = found["total"]["next_response"]
    assert [following[name] for name in fates] == [1, 0, 0, 1, 0, 0]
    assert following["business"]["mean"] == 3600
    nothing = found["total"]["resolution"]
    assert (nothing["promised"], nothing["attained_percent"]) == (0, None)


def test_groups_add_up_to_the_total(home: House) -> None:
    """By week of arrival, team, priority and channel: no case is lost between them."""
    a_day(home)
    found = report(home, "sla", NOON - timedelta(days=10))
    total = found["total"]["first_response"]
    for name, groups in found["by"].items():
        for column in ("promised", "in_time", "late", "missed", "waiting", "void"):
            sums = sum(group["first_response"][column] for group in groups)
            assert (name, sums) == (name, total[column])
    weeks = {w["week"]: w["first_response"] for w in found["by"]["week"]}
    assert {name: w["promised"] for name, w in weeks.items()} == {
        "2026-W47": 1,
        "2026-W48": 11,
    }
    assert weeks["2026-W47"]["late"] == 1
    teams = {t["team"]: t["first_response"] for t in found["by"]["team"]}
    assert (teams["sales"]["promised"], teams["sales"]["attained_percent"]) == (1, 100)
    channels = {c["channel"]: c["first_response"] for c in found["by"]["channel"]}
    assert (channels["whatsapp"]["late"], channels["phone"]["promised"]) == (1, 11)


def test_the_window_is_that_of_arrival(home: House) -> None:
    """A backlog that was drained today belongs to the week in which it came."""
    a_day(home)
    found = report(home, "sla", NOON)["total"]["first_response"]
    assert (found["promised"], found["late"]) == (11, 1)
    before = report(home, "sla", NOON - timedelta(days=10), NOON)
    assert before["total"]["first_response"]["promised"] == 1


def test_business_time_and_the_wall_are_told_apart(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """Asked at ten to six, answered at ten past nine: 20 minutes of work, 15 h 20."""
    office = Sla(hours="mon-fri 09:00-18:00", resolution=9 * HOUR)
    with house(store, pool, tmp_path, sla=office) as home:
        home.clock.now = datetime(2026, 11, 25, 20, 50, tzinfo=UTC)
        number = day.opened(home)
        home.clock.now = datetime(2026, 11, 26, 12, 10, tzinfo=UTC)
        day.answered(home, number)
        home.clock.now = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
        day.resolved(home, number)
        total = report(home, "sla", NOON)["total"]
        assert total["first_response"]["business"]["mean"] == 1200
        assert total["first_response"]["wall"]["mean"] == 55200
        assert total["first_response"]["business"]["within_target_percent"] == 100
        assert total["first_response"]["wall"]["within_target_percent"] == 0
        # Ten minutes on Wednesday and nine hours on Thursday: ten minutes late.
        assert total["resolution"]["late"] == 1
        assert total["resolution"]["business"]["mean"] == 9 * HOUR + 600


def three_days(home: House) -> None:
    """Cases come, go and come back from Wednesday to Saturday."""
    old = day.opened(home, ago=timedelta(days=3))
    one, two = day.opened(home), day.opened(home, channel=Channel.CHAT)
    three = day.opened(home, to=SALES)
    day.resolved(home, one, text="Está feito.")
    home.clock.move(days=1)
    day.resolved(home, two, Resolution.SPAM)
    day.reopened(home, one)
    four = day.opened(home, to=SALES)
    home.clock.move(days=1)
    day.resolved(home, one, Resolution.THIRD_PARTY)
    with home.store.write() as work:
        now = home.clock()
        merging.merge(
            work, home.desk, four, three, who=day.BIA.address, confirm=True, now=now
        )
    home.clock.move(days=1)
    with home.store.write() as work:
        closed = cases.NewEvent(ticket=one, at=home.clock(), kind="closed", who="")
        cases.add_events(work, [closed])
        cases.change(work, one, status="closed", closed_at=home.clock())
    day.resolved(home, old)
    day.opened(home)


def test_what_came_and_went(home: House) -> None:
    """The backlog is right at each day's end, though it is counted from today back."""
    three_days(home)
    since, until = (datetime(2026, 11, n, 3, 0, tzinfo=UTC) for n in (25, 28))
    found = report(home, "volume", since, until)
    assert found["total"] == {
        "opened": 4,
        "resolved": 3,
        "ended_otherwise": 1,
        "reopened": 1,
        "backlog_before": 1,
        "backlog": 2,
    }
    columns = ("opened", "resolved", "ended_otherwise", "reopened", "backlog")
    days = [tuple(d[c] for c in ("day", *columns)) for d in found["by"]["day"]]
    assert days == [
        ("2026-11-25", 3, 1, 0, 0, 3),
        ("2026-11-26", 1, 1, 0, 1, 4),
        ("2026-11-27", 0, 1, 1, 0, 2),
    ]
    assert [w["week"] for w in found["by"]["week"]] == ["2026-W48"]
    teams = {t["team"]: tuple(t[c] for c in columns) for t in found["by"]["team"]}
    assert teams == {"sales": (2, 0, 1, 0, 1), "support": (2, 3, 0, 1, 1)}
    channels = {c["channel"]: c["opened"] for c in found["by"]["channel"]}
    assert channels == {"chat": 1, "phone": 3}
    assert {r["resolution"]: r["resolved"] for r in found["by"]["resolution"]} == {
        "answered": 1,
        "spam": 1,
        "third_party": 1,
    }


def test_what_is_open_now_is_the_backlog_of_now(home: House) -> None:
    """Closing what was resolved is no second end, and columns add up."""
    three_days(home)
    total = report(home, "volume", NOON - timedelta(days=30))["total"]
    assert total["backlog_before"] == 0
    ended = total["resolved"] + total["ended_otherwise"]
    assert total["opened"] + total["reopened"] - ended == total["backlog"] == 2
    still = [t for t in home.rows(schema.ticket) if t["status"] in ("new", "open")]
    assert len(still) == 2


@pytest.fixture
def asking(store: Store, pool: ParserPool, tmp_path: Path) -> Any:
    """A house with two agents whose surveys the test writes itself."""
    gil = Agent(address="gil@acme.example", name="Gil")
    bia = Agent(address="bia@acme.example", name="Bia")
    quiet = Survey(enabled=False)
    with house(store, pool, tmp_path, agent=(bia, gil), survey=quiet) as built:
        yield built


def survey(home: House, agent: str, score: int | None, **more: Any) -> None:
    """A case that was resolved, and the question about it."""
    number = day.opened(home, to=SALES if agent.startswith("gil") else "")
    day.resolved(home, number, text="Está feito.")
    row = {
        "ticket": number,
        "resolution_event": home.rows(schema.event)[-1]["id"],
        "contact_id": day.ticket(home, number)["requester_id"],
        "agent": agent,
        "state": "sent" if score is None else "answered",
        "due_at": home.clock(),
        "sent_at": home.clock(),
        "score": score,
        "answered_at": home.clock() if score else None,
        "created_at": home.clock(),
    }
    with home.store.write() as work:
        work.execute(insert(schema.survey).values(row | more))


def asked(home: House) -> None:
    """Eight questions that left, two that did not."""
    bia, gil = "bia@acme.example", "gil@acme.example"
    survey(home, bia, 5)
    survey(home, bia, 4)
    survey(home, bia, 2, comment="demorou")
    survey(home, bia, None)
    survey(home, bia, None, state="cancelled", reason="bounced")
    home.clock.move(days=7)
    survey(home, gil, 1, comment="=cmd|' /C calc'!A0")
    survey(home, gil, 3)
    survey(home, gil, None, state="expired")
    survey(home, gil, None, state="cancelled", reason="asked_recently", sent_at=None)
    survey(home, gil, None, state="scheduled", sent_at=None)


def test_satisfaction_never_stands_without_its_number(asking: House) -> None:
    """Two of five answers are good, five of eight customers answered."""
    asked(asking)
    found = report(asking, "csat", NOON, NOON + timedelta(days=30))
    assert found["total"] == {
        "sent": 8,
        "undelivered": 1,
        "answers": 5,
        "response_percent": 62.5,
        "top2_percent": 40.0,
        "average": 3.0,
        "scores": {"1": 1, "2": 1, "3": 1, "4": 1, "5": 1},
    }
    assert found["not_sent"] == {"asked_recently": 1, "scheduled": 1}
    agents = {a["agent"]: a for a in found["by"]["agent"]}
    assert agents["bia@acme.example"]["top2_percent"] == 66.67
    assert agents["bia@acme.example"]["response_percent"] == 60.0
    assert agents["gil@acme.example"]["average"] == 2.0
    assert [w["week"] for w in found["by"]["week"]] == ["2026-W48", "2026-W49"]
    assert [t["sent"] for t in found["by"]["team"]] == [3, 5]
    assert [(c["score"], c["comment"]) for c in found["comments"]] == [
        (2, "demorou"),
        (1, "=cmd|' /C calc'!A0"),
    ]


def test_nobody_asked_is_no_satisfaction(asking: House) -> None:
    """No answers: no share, no average, no zero."""
    total = report(asking, "csat", NOON - timedelta(days=1))["total"]
    assert (total["sent"], total["top2_percent"], total["average"]) == (0, None, None)


def beats(home: House, instance: str, minutes: float, until: float) -> None:
    """Heartbeats every 15 seconds of an instance, from and to minutes after noon."""
    at, end = NOON + timedelta(minutes=minutes), NOON + timedelta(minutes=until)
    while at <= end:
        with home.store.write() as work:
            uptime.note(work, instance, "host", at)
        at += timedelta(seconds=15)


def test_silence_is_downtime(home: House) -> None:
    """Ten minutes of silence count, half a minute between two daemons does not, nor
    does the time before the first one."""
    beats(home, "a", 0, 10)
    beats(home, "b", 20, 25)
    beats(home, "c", 22, 30)
    beats(home, "d", 30.5, 40)
    home.clock.now = NOON + timedelta(minutes=40, seconds=10)
    found = report(home, "availability", NOON - timedelta(hours=1))
    assert found["measured_from"] == NOON
    assert found["total"] == {
        "measured_seconds": 2410.0,
        "down_seconds": 600.0,
        "available_percent": 75.1,
    }
    assert (found["promised_percent"], found["kept"]) == (99.4, False)
    assert found["outages"] == [
        {
            "from": NOON + timedelta(minutes=10),
            "until": NOON + timedelta(minutes=20),
            "seconds": 600.0,
        }
    ]
    assert len(home.rows(schema.uptime)) == 4


def test_a_daemon_that_hung_begins_a_new_stretch(home: House) -> None:
    """The same process, silent for a minute, was down for a minute."""
    beats(home, "a", 0, 1)
    beats(home, "a", 2, 3)
    home.clock.now = NOON + timedelta(minutes=3)
    found = report(home, "availability", NOON)
    assert found["total"]["down_seconds"] == 60.0


def test_an_outage_that_lasts_counts_until_now(home: House) -> None:
    """Nobody has to come back for the time to be missing."""
    beats(home, "a", 0, 10)
    home.clock.now = NOON + timedelta(minutes=20)
    found = report(home, "availability", NOON)
    assert found["total"]["available_percent"] == 50.0
    later_window = NOON + timedelta(minutes=15)
    found = report(home, "availability", later_window)
    assert found["total"]["available_percent"] == 0.0


def test_nothing_measured_is_no_availability(home: House) -> None:
    """No daemon ever ran: there is nothing to tell, and nothing is kept."""
    found = report(home, "availability", NOON - timedelta(hours=1))
    assert found["total"]["available_percent"] is None
    assert (found["kept"], found["measured_from"]) == (None, None)
