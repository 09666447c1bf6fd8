"""Comparing a report with what it must say, where real seconds come on top of times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: Reports round to the millisecond.
ROUNDED = 0.002


@dataclass(frozen=True)
class About:
    """A time that the seconds which a story took itself lengthen at most."""

    seconds: float


def differences(
    found: Any, wanted: Any, begins: datetime, spent: float, path: str = ""
) -> Iterator[str]:
    """Name every figure that is not as it must be; moments count from `begins`."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        if found.keys() != wanted.keys():
            yield f"{path}: {sorted(found.keys() ^ wanted.keys())}"
        for key in found.keys() & wanted.keys():
            inner = f"{path}/{key}"
            yield from differences(found[key], wanted[key], begins, spent, inner)
    elif isinstance(wanted, list) and isinstance(found, list):
        if len(found) != len(wanted):
            yield f"{path}: {len(found)} and not {len(wanted)}: {found}"
        for place, (one, other) in enumerate(zip(found, wanted, strict=False)):
            yield from differences(one, other, begins, spent, f"{path}/{place}")
    elif isinstance(wanted, About):
        if isinstance(found, str):
            found = (datetime.fromisoformat(found) - begins).total_seconds()
        late = None if found is None else found - wanted.seconds
        if late is None or not -ROUNDED <= late <= spent + ROUNDED:
            yield f"{path}: {found} and not {wanted} (+ {spent:.1f})"
    elif found != wanted:
        yield f"{path}: {found!r} and not {wanted!r}"


def lies_of_availability(
    report: dict[str, Any], begins: datetime, moves: list[float], spent: float
) -> Iterator[str]:
    """Name what the report on availability says that cannot be.

    When the time is moved nobody is up in between, so that what was up is what the
    story took itself. `moves` are the hours to which it was moved; the last is now.
    """
    ends = begins + timedelta(hours=moves[-1])
    for name, days in (("total", 3660), ("day", 1), ("week", 7)):
        rows = [report["total"]] if name == "total" else report["by"][name]
        measured = sum(row["measured_seconds"] for row in rows)
        whole = (ends - begins).total_seconds()
        if not whole - spent <= measured <= whole + spent:
            yield f"{name}: {measured} of {whole} seconds were measured"
        for row in rows:
            up = row["measured_seconds"] - row["down_seconds"]
            share = round(100 * up / row["measured_seconds"], 2)
            if not 0 <= up <= spent or row["measured_seconds"] > days * 86400:
                yield f"{name}: it was up for {up} of {spent} seconds: {row}"
            if abs(row["available_percent"] - share) > 0.011:
                yield f"{name}: {row['available_percent']} % and not {share}"
    out = [outage["seconds"] for outage in report["outages"]]
    if not 1 <= len(out) <= len(moves):
        yield f"{len(out)} outages, and the time was moved {len(moves)} times"
    if abs(sum(out) - report["total"]["down_seconds"]) > ROUNDED * len(moves):
        yield f"outages of {sum(out)} seconds and not {report['total']}"
    if (report["promised_percent"], report["kept"]) != (99.4, False):
        yield f"{report['promised_percent']} % were promised: kept {report['kept']}"
