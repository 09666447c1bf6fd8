"""How many requests of one visitor pass, and who counts as one."""

import pytest

from chamado.daemon.http.throttle import PEERS, Throttle, network


def test_v08_ten_thousand_votes_in_a_minute_are_few() -> None:
    """V-08: in the long run ten a second pass, and memory does not grow with the
    peers."""
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    passed = 0
    for turn in range(10_000):
        now[0] = turn * 60 / 10_000
        passed += throttle.admits("192.0.2.1")
        assert throttle.admits(f"198.51.{turn % 250}.{turn // 250}")
    assert 600 <= passed <= 120 + 600
    for turn in range(10_000):
        throttle.admits(f"203.0.{turn % 250}.{turn // 250}")
    assert len(throttle._left) <= PEERS


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
        ("", "192.0.2.1", False),
    ],
)
def test_v08_who_counts_as_one_visitor(one: str, other: str, *, same: bool) -> None:
    """V-08: an IPv4 address; of IPv6 the network that one customer has to himself."""
    assert (network(one) == network(other)) is same
