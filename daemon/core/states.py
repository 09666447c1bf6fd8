"""The life of a case: one table of what may happen where, and where it leads.

What is not in the table cannot happen; `why_not` says so in words with the way out. The
table knows no people and no time: whether a customer's word may still wake a case that
was resolved long ago is judged in `waking`, who may do something in the actions.
"""

from collections.abc import Mapping
from enum import StrEnum

from chamado.daemon.core.types import Status


class Event(StrEnum):
    """Something that happens to a case."""

    #: Somebody who takes part wrote, and a person has to read it.
    CUSTOMER_WORD = "customer_word"
    #: Filed, and wakes nobody: a thank-you, a machine, a loop, a stranger.
    QUIET_WORD = "quiet_word"
    ANSWER = "answer"
    #: The customer is to do something first.
    ASK = "ask"
    #: What the customer was asked never reached anybody.
    UNDELIVERED = "undelivered"
    ESCALATE = "escalate"
    HAND_BACK = "hand_back"
    RESOLVE = "resolve"
    TAKE_UP = "take_up"
    #: The customer was asked, reminded, and stayed silent.
    GIVE_UP = "give_up"
    #: Resolved long enough.
    CLOSE = "close"
    MERGE = "merge"


_N, _O, _W = Status.NEW, Status.OPEN, Status.WAITING
_E, _R, _C = Status.ESCALATED, Status.RESOLVED, Status.CLOSED
_Row = tuple[Status | None, ...]

STATUSES = (_N, _O, _W, _E, _R, _C)

# fmt: off
#: For each event, where it leads from each status; None: it cannot happen there.
TABLE: Mapping[Event, _Row] = {
    #                     from new   open   waiting  escalated  resolved  closed
    Event.CUSTOMER_WORD:     (_N,    _O,    _O,      _E,        _O,       None),
    Event.QUIET_WORD:        (_N,    _O,    _W,      _E,        _R,       _C),
    Event.ANSWER:            (_O,    _O,    _W,      _E,        _R,       None),
    Event.ASK:               (_W,    _W,    _W,      _W,        None,     None),
    Event.UNDELIVERED:       (_N,    _O,    _O,      _E,        _R,       _C),
    Event.ESCALATE:          (_E,    _E,    _E,      _E,        None,     None),
    Event.HAND_BACK:         (None,  None,  _W,      _O,        None,     None),
    Event.RESOLVE:           (_R,    _R,    _R,      _R,        None,     None),
    Event.TAKE_UP:           (None,  None,  _O,      None,      _O,       _O),
    Event.GIVE_UP:           (None,  None,  _C,      None,      None,     None),
    Event.CLOSE:             (None,  None,  None,    None,      _C,       None),
    Event.MERGE:             (_C,    _C,    _C,      _C,        _C,       _C),
}
# fmt: on

MOVES: Mapping[tuple[Status, Event], Status] = {
    (status, event): to
    for event, row in TABLE.items()
    for status, to in zip(STATUSES, row, strict=True)
    if to is not None
}

_OVER = {_R: "is resolved", _C: "is closed"}
_WORDS: Mapping[Event, str] = {
    Event.HAND_BACK: "is with no specialist; there is nothing to hand back",
    Event.TAKE_UP: "is {status}; there is nothing to reopen",
    Event.GIVE_UP: "is {status}; nobody owes us an answer on it",
    Event.CLOSE: "is {status}; only what is resolved is closed",
    Event.RESOLVE: "is {status} already",
}


def after(status: Status, event: Event, *, specialist: bool = False) -> Status | None:
    """Say where an event leads; None when it cannot happen.

    `specialist`: a specialist has the case. What wakes it from waiting then leads back
    to the specialist, who had asked.
    """
    to = MOVES.get((status, event))
    if specialist and status is Status.WAITING and to is Status.OPEN:
        return Status.ESCALATED
    return to


def why_not(number: int, status: Status, event: Event) -> str:
    """Say why an event cannot happen, with the way out."""
    if event in _WORDS:
        return f"#{number} {_WORDS[event].format(status=status.value)}"
    over = _OVER.get(status, f"is {status.value}")
    return f"#{number} {over}; `chamado ticket reopen {number}` first"
