"""Waits between tries: they grow, they spread, and an hour has few logins."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from chamado.daemon.sources.backoff import (
    Backoff,
    for_connections,
    for_doors,
    for_logins,
)


def lucky() -> float:
    """Draw the shortest wait there is."""
    return 0.0


def test_waits_double_up_to_the_longest_and_start_over() -> None:
    """With the unluckiest draws each wait is the whole of its bound."""
    waits = Backoff(first=1, most=10, draw=lambda: 1.0)
    assert [waits.next() for _ in range(5)] == [1, 2, 4, 8, 10]
    waits.reset()
    assert waits.next() == 1


def test_full_jitter_may_wait_not_at_all() -> None:
    """Where nobody counts tries, all of a wait is drawn."""
    waits = Backoff(first=1, most=10, draw=lucky)
    assert [waits.next() for _ in range(3)] == [0, 0, 0]


def test_logins_are_at_most_five_in_any_hour_with_the_luckiest_draws() -> None:
    """Half of each wait is certain, so that no account is locked by us."""
    waits = for_logins()
    waits._draw = lucky
    tries = [0.0]
    for _ in range(50):
        tries.append(tries[-1] + waits.next())
    for start in tries:
        assert sum(start <= at < start + 3600 for at in tries) <= 5


@pytest.mark.parametrize(
    ("make", "most"), [(for_connections, 300), (for_logins, 3600), (for_doors, 30)]
)
def test_no_wait_is_longer_than_its_bound(
    make: Callable[[], Backoff], most: float
) -> None:
    """However often something fails."""
    waits = make()
    assert all(0 <= waits.next() <= most for _ in range(200))


def test_two_clients_do_not_come_back_together() -> None:
    """The draws differ, and so do the waits."""
    one, two = for_connections(), for_connections()
    pairs = [(one.next(), two.next()) for _ in range(8)]
    assert all(a != b for a, b in pairs)
    assert len({round(a, 9) for pair in pairwise(pairs) for a, _ in pair}) == 8
