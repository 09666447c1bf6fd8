"""How much is measured: the counts and seconds of a quick, a usual and a full run."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """`…_mails` and `grown` are counts, `…_seconds` seconds, `rounds` repetitions."""

    rounds: int
    disk_seconds: float
    accept_mails: int
    accept_big_mails: int
    sessions: tuple[int, ...]
    chain_mails: int
    steady_seconds: float
    backlog_mails: int
    parse_mails: int
    peer_mails: int
    grown: tuple[int, ...]
    grown_mails: int


USUAL = Effort(
    rounds=3,
    disk_seconds=1.0,
    accept_mails=2_000,
    accept_big_mails=100,
    sessions=(1, 10, 50),
    chain_mails=1_500,
    steady_seconds=60.0,
    backlog_mails=10_000,
    parse_mails=300,
    peer_mails=100,
    grown=(0, 10_000, 100_000),
    grown_mails=300,
)

QUICK = Effort(
    rounds=1,
    disk_seconds=0.3,
    accept_mails=500,
    accept_big_mails=30,
    sessions=(10,),
    chain_mails=500,
    steady_seconds=8.0,
    backlog_mails=1_000,
    parse_mails=100,
    peer_mails=100,
    grown=(0, 10_000),
    grown_mails=100,
)

FULL = replace(USUAL, grown=(*USUAL.grown, 1_000_000))
