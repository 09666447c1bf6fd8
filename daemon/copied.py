"""Who else a customer wrote to, in the history of the case, for an agent to see.

An address in To or Cc is a stranger's claim: nobody takes part in a case because of it,
and no letter of ours goes there.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from chamado.config.spelling import identity
from chamado.daemon.core.decide import Case, sender_of
from chamado.daemon.desk import Desk
from chamado.daemon.store.cases import NewEvent

KIND = "copied"
MOST = 10


def events(
    case: Case, number: int, inside: Collection[str], desk: Desk, now: datetime
) -> list[NewEvent]:
    """Return the event of a message that also went to people outside its case."""
    named = dict.fromkeys(
        identity(one.address) or one.address
        for one in (*case.message.to, *case.message.cc)
    )
    ours = desk.policy.own
    others = [
        address
        for address in named
        if address not in inside and address not in ours and not desk.is_ours(address)
    ]
    if not others:
        return []
    facts = {"to": others[:MOST], "more": max(len(others) - MOST, 0)}
    who = sender_of(case.message)
    return [NewEvent(ticket=number, at=now, kind=KIND, who=who, facts=facts)]


def words(facts: Mapping[str, Any]) -> str:
    """Say who got the message and takes no part in the case."""
    more = f" and {facts['more']} more" if facts.get("more") else ""
    to = ", ".join(map(str, facts.get("to", ())))
    return f"also written to {to}{more}, who take no part in this case"
