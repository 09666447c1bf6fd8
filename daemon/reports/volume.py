"""Cases that came and went, and how many were open at each day's end.

The backlog is counted backwards from what is open now, so it is right today and as
right for the past as the history is. Team and priority are those that a case has now.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chamado.config.settings import Settings
from chamado.daemon.core import figures
from chamado.daemon.core.figures import Piece
from chamado.daemon.reports.window import Document, Window
from chamado.daemon.store import reports
from chamado.daemon.store.engine import Work
from chamado.daemon.store.reports import CaseRow, TurnRow

PROPERTIES = ("channel", "team", "priority")
_OVER = ("resolved", "closed")
_Values = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """Something that made the backlog grow or shrink; `values` of `PROPERTIES`."""

    at: datetime
    kind: str
    code: str | None
    values: _Values


def volume(work: Work, settings: Settings, window: Window) -> Document:
    """Report on what moved in the window, and on the backlog at its end."""
    moves: list[_Move] = []
    open_now: Counter[_Values] = Counter()
    for case in reports.cases(work, window.since):
        if case.status not in _OVER:
            open_now[_values(case)] += 1
        if case.opened_at >= window.since:
            moves.append(_opened(case))
    moves += [_turned(turn) for turn in reports.turns(work, window.since)]
    within = [move for move in moves if move.at < window.until]
    later = [move for move in moves if move.at >= window.until]
    after = open_now.total() - _growth(later)
    codes = Counter(move.code for move in within if move.code)
    end = min(
        window.until, max(window.now, *(move.at for move in within), window.since)
    )
    weeks = figures.weeks(window.since, end, window.zone)
    days = figures.days(window.since, end, window.zone)
    return {
        **window.head("volume"),
        "total": {**_flow(within, after), "backlog_before": after - _growth(within)},
        "by": {
            "day": _running("day", days, within, after),
            "week": _running("week", weeks, within, after),
            **{
                name: _by(place, name, within, later, open_now)
                for place, name in enumerate(PROPERTIES)
            },
            "resolution": [
                {"resolution": code, "resolved": codes[code]} for code in sorted(codes)
            ],
        },
    }


def _values(row: CaseRow | TurnRow) -> _Values:
    return tuple(str(getattr(row, name)) for name in PROPERTIES)


def _opened(case: CaseRow) -> _Move:
    return _Move(at=case.opened_at, kind="opened", code=None, values=_values(case))


def _turned(turn: TurnRow) -> _Move:
    ended = "resolved" if turn.code is not None else "ended_otherwise"
    kind = ended if turn.ended else "reopened"
    return _Move(at=turn.at, kind=kind, code=turn.code, values=_values(turn))


def _growth(moves: Iterable[_Move]) -> int:
    return sum(1 if m.kind in ("opened", "reopened") else -1 for m in moves)


def _flow(moves: Iterable[_Move], after: int) -> Document:
    kinds = Counter(move.kind for move in moves)
    names = ("opened", "resolved", "ended_otherwise", "reopened")
    return {**{name: kinds[name] for name in names}, "backlog": after}


def _running(
    name: str, pieces: Sequence[Piece], within: Iterable[_Move], after: int
) -> list[Document]:
    """Each day or week until now with the backlog at its end, from the last one on."""
    inside: dict[str, list[_Move]] = defaultdict(list)
    for move in within:
        inside[figures.name_of(move.at, pieces)].append(move)
    found: list[Document] = []
    for piece in reversed(pieces):
        found.append({name: piece.name, **_flow(inside[piece.name], after)})
        after -= _growth(inside[piece.name])
    return found[::-1]


def _by(
    place: int,
    name: str,
    within: Iterable[_Move],
    later: Iterable[_Move],
    open_now: Mapping[_Values, int],
) -> list[Document]:
    mine: dict[str, list[_Move]] = defaultdict(list)
    after: Counter[str] = Counter()
    for move in within:
        mine[move.values[place]].append(move)
    for move in later:
        after[move.values[place]] -= _growth([move])
    for values, count in open_now.items():
        after[values[place]] += count
    return [
        {name: value, **_flow(mine[value], after[value])}
        for value in sorted({*mine, *after})
    ]
