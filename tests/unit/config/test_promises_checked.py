"""What `config check` says of promises, opening hours, holidays and priorities."""

from datetime import date, timedelta

import pytest

from chamado.config import holidays
from chamado.config.checks import errors
from chamado.config.doubts import warnings
from chamado.config.settings import Settings

OURS = {"address": [{"address": "a@b.c"}, {"address": "s@b.c", "team": "sales"}]}


def keys(found: tuple[holidays.Problem, ...]) -> list[str]:
    """The keys that something is said of."""
    return [problem.key for problem in found]


def days(code: str, year: int, *extra: str) -> set[date]:
    """Every holiday of a year."""
    is_holiday = holidays.calendar_of(code, extra)
    new_year = date(year, 1, 1)
    return {
        day
        for day in (new_year + timedelta(days=number) for number in range(366))
        if day.year == year and is_holiday(day)
    }


@pytest.mark.parametrize(
    ("tables", "wrong"),
    [
        ({"sla": {"hours": "mon-fri 9:00-18:00; sat 09:00-12:00"}}, []),
        ({"sla": {"hours": "mon 09:00-12:00, mon 11:00-13:00"}}, ["sla.hours"]),
        ({"sla": {"hours": ""}}, ["sla.hours"]),
        ({"promise": [{"hours": "9 to 5"}]}, ["promise.0.hours"]),
        ({"promise": [{"first_response": "0s"}]}, ["promise.0.first_response"]),
        ({"promise": [{"next_response": "0s", "resolution": "0s"}]}, []),
        (
            {"sla": {"hours": "mon 09:00-09:01"}},
            ["sla.first_response", "sla.next_response"],
        ),
        ({"sla": {"first_response": "400d"}}, ["sla.first_response"]),
        ({"promise": [{"resolution": "400d"}]}, ["promise.0.resolution"]),
        ({"sla": {"holidays": "BR"}}, []),
        ({"sla": {"holidays": "BR-SP", "extra_holidays": ["2026-12-24"]}}, []),
        ({"sla": {"holidays": "brazil"}}, ["sla.holidays"]),
        ({"sla": {"holidays": "BR-XX"}}, ["sla.holidays"]),
        ({"sla": {"holidays": "QQ"}}, ["sla.holidays"]),
        (
            {"sla": {"extra_holidays": ["2026-12-24", "24/12"]}},
            ["sla.extra_holidays.1"],
        ),
        ({"sla": {"extra_holidays": ["2026-02-30"]}}, ["sla.extra_holidays.0"]),
        ({"sla": {"extra_holidays": ["20261224"]}}, ["sla.extra_holidays.0"]),
    ],
)
def test_promises_nobody_can_keep_are_refused(
    tables: dict[str, object], wrong: list[str]
) -> None:
    """What no calendar can be made of is said by its key before anything starts."""
    assert keys(errors(Settings.model_validate(tables))) == wrong


def test_an_unknown_state_is_answered_with_those_that_there_are() -> None:
    """The hint is what one wanted to write."""
    (problem,) = errors(Settings.model_validate({"sla": {"holidays": "BR-XX"}}))
    assert "RJ, RN" in problem.hint
    assert "SP" in problem.hint


def test_without_the_extra_holidays_are_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Holidays that silently do not count would break promises months later."""
    monkeypatch.setattr(holidays, "find_spec", lambda name: None)
    (problem,) = errors(Settings.model_validate({"sla": {"holidays": "BR"}}))
    assert problem.key == "sla.holidays"
    assert "chamado[holidays]" in problem.hint
    assert errors(Settings.model_validate({"sla": {"holidays": ""}})) == ()


@pytest.mark.parametrize(
    ("tables", "doubtful"),
    [
        ({}, []),
        ({"sla": {"first_response_target": "25h"}}, ["sla.first_response_target"]),
        ({"promise": [{"team": "sales"}, {"priority": "p1"}]}, []),
        ({"promise": [{"team": "slaes"}]}, ["promise.0.team"]),
        ({"promise": [{"priority": "p1"}, {"priority": "p1"}]}, ["promise.1"]),
        (
            {"promise": [{"team": "sales"}, {"team": "sales", "priority": "p1"}]},
            ["promise.1"],
        ),
        ({"priority": {"low": ["p4", "p3", "p4"]}}, ["priority.low"]),
        ({"priority": {"low": ["p1", "p4", "p4"]}}, ["priority.low"]),
        ({"priority": {"critical": ["p2", "p2", "p2"]}}, ["priority.high"]),
    ],
)
def test_promises_that_are_hardly_meant_are_warned_of(
    tables: dict[str, object], doubtful: list[str]
) -> None:
    """A matrix that is not monotone works, and so does a promise that never counts."""
    settings = Settings.model_validate(OURS | tables)
    assert errors(settings) == ()
    found = keys(warnings(settings))
    assert [
        k for k in found if k.startswith(("sla", "promise", "priority"))
    ] == doubtful


def test_brazil_rests_by_law_and_at_carnival() -> None:
    """Carnival's Monday and Tuesday and Corpus Christi count, though no law says so;
    Ash Wednesday, Christmas Eve and New Year's Eve are each employer's own business."""
    brazil = days("BR", 2026)
    assert {date(2026, 2, 16), date(2026, 2, 17), date(2026, 6, 4)} <= brazil
    assert {date(2026, 11, 20), date(2026, 9, 7), date(2026, 4, 3)} <= brazil
    own = {date(2026, 2, 18), date(2026, 12, 24), date(2026, 12, 31)}
    assert not own & brazil
    assert date(2026, 10, 28) not in brazil


def test_states_and_days_of_ones_own_are_added() -> None:
    """São Paulo rests on the ninth of July; this office on Christmas Eve too."""
    more = days("BR-SP", 2026, "2026-12-24") - days("BR", 2026)
    assert more == {date(2026, 7, 9), date(2026, 12, 24)}
    assert days("", 2026, "2026-12-24") == {date(2026, 12, 24)}


def test_other_countries_rest_by_law_alone() -> None:
    """No Carnival in Portugal's law, and none here."""
    assert date(2026, 2, 17) not in days("PT", 2026)
    assert date(2026, 4, 25) in days("PT", 2026)
