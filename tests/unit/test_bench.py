"""What a benchmark says is what was measured, on mails that are always the same."""

import pytest

from bench.__main__ import MEASURES
from bench.corpus import Mail, big_mail, mixed, small
from bench.latency import percentile
from bench.table import Section, Target, figure, report


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "ms", "0.12 ms"),
        (12.345, "/s", "12.3 /s"),
        (1234.5, "", "1,234"),
        (None, "MB", "–"),
    ],
)
def test_a_figure_has_the_digits_it_deserves(
    value: float | None, unit: str, text: str
) -> None:
    """Two digits behind the point for small ones, none for large ones."""
    assert figure(value, unit) == text


@pytest.mark.parametrize(
    ("reached", "met", "verdict"),
    [(310.0, True, "met"), (290.0, False, "MISSED"), (None, False, "not measured")],
)
def test_a_target_that_is_missed_or_not_measured_says_so(
    reached: float | None, met: bool, verdict: str
) -> None:
    """No run can pass a missing yardstick off as a success."""
    target = Target(what="t", wanted="≥ 300/s", reached=reached, met=met, unit="/s")
    section = Section(
        title="T", how="h", columns=("a",), rows=(("1",),), targets=(target,)
    )
    (line,) = [
        found for found in report("m", [section]).splitlines() if "≥ 300/s" in found
    ]
    assert line.rstrip(" |").endswith(verdict)


def test_the_mails_of_two_runs_are_the_same() -> None:
    """A figure of today can be compared with one of last month."""
    assert mixed(100) == mixed(100)
    assert mixed(5, seed=1) != mixed(5, seed=2)
    assert small(3) == small(3)


def test_every_mail_is_from_somebody_else() -> None:
    """One sender's flood would be throttled, and no throttle is to be measured."""
    assert len({mail.sender for mail in mixed(200)}) == 200


def test_the_mix_has_large_mails_only_where_wanted() -> None:
    """Both mixes are measured, and the table tells which was which."""

    def largest(mails: list[Mail]) -> int:
        return max(len(mail.content) for mail in mails)

    assert largest(mixed(100)) > 2_000_000
    assert largest(mixed(100, big=False)) < 200_000
    assert abs(len(big_mail(1 << 20).content) / (1 << 20) - 1) < 0.02


def test_percentiles_are_values_that_occurred() -> None:
    """The 99th of a hundred values is the worst but none invented."""
    values = [float(n) for n in range(100)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile([7.0], 99) == 7


def test_every_promise_about_speed_has_a_measure() -> None:
    """`--only` names the parts that docs/performance.md explains."""
    assert list(MEASURES) == [
        *("disk", "accept", "chain", "latency"),
        *("memory", "parse", "growth", "peers"),
    ]
