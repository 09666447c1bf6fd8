"""The header of a mail that a customer shows, in the history of the case and in words.

It is for people to look at. No id in it is ever looked up.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chamado.daemon.core.decide import Case, sender_of
from chamado.daemon.store.cases import NewEvent
from chamado.parsers.contract import trace

KIND = "hops"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def events(case: Case, number: int, inbox_id: int, now: datetime) -> list[NewEvent]:
    """Return the history of what was shown with a message, one line a header."""
    return [
        NewEvent(
            ticket=number,
            at=now,
            kind=KIND,
            who=sender_of(case.message),
            facts={"inbox": inbox_id, **trace(shown)},
        )
        for shown in case.message.traces
    ]


def table(facts: Mapping[str, Any]) -> str:
    """Say a header in lines: whose it is, a hop a line, and what was checked."""
    return "\n".join([_head(facts), *_hops(facts), *_results(facts)])


def _head(facts: Mapping[str, Any]) -> str:
    where = f" in {facts['found_in']}" if facts.get("found_in") else ""
    what = [f"header of a mail{where}"]
    if facts.get("from"):
        what.append(f"from {facts['from']}")
    if facts.get("subject"):
        what.append(f"“{facts['subject']}”")
    if facts.get("message_id"):
        what.append(f"<{facts['message_id']}>")
    return ", ".join(what)


def _hops(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts.get("left_out"):
        yield f"{facts['left_out']} hops before these are left out"
    for hop in facts.get("hops", ()):
        at = str(hop.get("at") or "no time").replace("T", " ").replace(".000Z", "Z")
        source = f"{hop['from']} → " if hop.get("from") else ""
        with_ = f" ({hop['with']})" if hop.get("with") else ""
        by = hop.get("by") or "a server without a name"
        yield f"{at:20}  {late(hop.get('delay')):>9}  {source}{by}{with_}"


def late(seconds: int | None) -> str:
    """Say a delay as people read it: `+5m 40s`, `+1d 2h`; nothing where none is."""
    if seconds is None:
        return ""
    sign, left = ("-", -seconds) if seconds < 0 else ("+", seconds)
    if left >= _DAY:
        return f"{sign}{left // _DAY}d {left % _DAY // _HOUR}h"
    if left >= _HOUR:
        return f"{sign}{left // _HOUR}h {left % _HOUR // _MINUTE}m"
    if left >= _MINUTE:
        return f"{sign}{left // _MINUTE}m {left % _MINUTE}s"
    return f"{sign}{left}s"


def _results(facts: Mapping[str, Any]) -> Iterator[str]:
    by: dict[str, list[str]] = {}
    for one in facts.get("results", ()):
        name = str(one.get("by") or "")
        by.setdefault(name, []).append(f"{one['method']}={one['result']}")
    for name, results in by.items():
        whose = f" by {name}" if name else ""
        yield f"checked{whose}: {', '.join(results)}"
