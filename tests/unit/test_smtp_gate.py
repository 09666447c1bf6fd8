"""Tests of the caps on connections; the clock is an argument."""

import pytest

from chamado.daemon.sources.smtp_gate import Gate, household


def _gate(
    *, total: int = 100, per_address: int = 2, per_minute: int = 0, trusted: str = ""
) -> Gate:
    return Gate(
        total=total,
        per_address=per_address,
        per_minute=per_minute,
        trusted=[trusted] if trusted else [],
    )


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_caller_is_an_ipv4_address_or_an_ipv6_64(peer: str, name: str) -> None:
    """Who owns a whole /64 does not get a cap for each of its addresses."""
    assert household(peer) == name


def test_s15_all_of_a_64_share_one_cap() -> None:
    """The third connection of a /64 stays out; leaving makes room again."""
    gate = _gate(per_address=2)
    assert gate.enter("2001:db8::1", 0) is None
    assert gate.enter("2001:db8::2", 0) is None
    assert gate.enter("2001:db8::3", 0) == "too many connections from one address"
    assert gate.enter("2001:db8:0:1::1", 0) is None
    gate.leave("2001:db8::1")
    assert gate.enter("2001:db8::3", 0) is None


def test_the_total_holds_for_everybody() -> None:
    """Neither trust nor a Unix socket goes beyond the cap on all connections."""
    gate = _gate(total=2, trusted="10.0.0.0/8")
    assert gate.enter("10.1.1.1", 0) is None
    assert gate.enter("", 0) is None
    for peer in ("10.1.1.1", "", "192.0.2.1"):
        assert gate.enter(peer, 0) == "too many connections"
    gate.leave("")
    assert gate.enter("192.0.2.1", 0) is None


def test_trusted_networks_have_no_cap_for_one_address() -> None:
    """A relay in front of us is one address with many connections."""
    gate = _gate(per_address=1, per_minute=1, trusted="10.0.0.0/8")
    assert {gate.enter("10.1.1.1", 0) for _ in range(20)} == {None}
    assert gate.trusts("::ffff:10.2.3.4")
    assert not gate.trusts("11.0.0.1")


def test_a_minute_later_a_caller_may_come_again() -> None:
    """New connections are counted by the minute, also those that were refused."""
    gate = _gate(per_address=100, per_minute=2)
    assert [gate.enter("192.0.2.1", now) for now in (0, 1)] == [None, None]
    why = "too many new connections from one address"
    assert [gate.enter("192.0.2.1", now) for now in (2, 59)] == [why, why]
    assert gate.enter("192.0.2.2", 59) is None
    assert gate.enter("192.0.2.1", 61) is None


def test_callers_of_past_minutes_are_forgotten() -> None:
    """A flood from many addresses does not fill the memory."""
    gate = _gate(total=10**6, per_minute=1)
    for number in range(25_000):
        gate.enter(
            f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", number / 100
        )
    assert len(gate._recent) <= 10_000
