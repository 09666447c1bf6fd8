"""Priority follows severity and business impact, by a table one can read."""

from collections.abc import Mapping

from chamado.config.settings import Priorities
from chamado.daemon.core.types import Impact, Priority, Severity

Row = tuple[Priority, Priority, Priority]
Matrix = Mapping[Severity, Row]

_P1, _P2, _P3, _P4 = Priority.P1, Priority.P2, Priority.P3, Priority.P4

#: Rows are severities; columns are the impacts high, medium, low. `[priority]` in the
#: configuration replaces it row by row.
MATRIX: Matrix = {
    Severity.CRITICAL: (_P1, _P1, _P2),
    Severity.HIGH: (_P1, _P2, _P3),
    Severity.NORMAL: (_P2, _P3, _P4),
    Severity.LOW: (_P3, _P4, _P4),
}
_COLUMN = {Impact.HIGH: 0, Impact.MEDIUM: 1, Impact.LOW: 2}


def priority_of(
    severity: Severity, impact: Impact, matrix: Matrix = MATRIX
) -> Priority:
    """Look the priority up."""
    return matrix[severity][_COLUMN[impact]]


def matrix_of(priorities: Priorities) -> Matrix:
    """Return the operator's table."""
    return {severity: _row(getattr(priorities, severity)) for severity in Severity}


def _row(names: tuple[str, str, str]) -> Row:
    high, medium, low = names
    return Priority(high), Priority(medium), Priority(low)
