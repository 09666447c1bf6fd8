"""Priority follows severity and business impact, by a table one can read."""

from chamado.daemon.core.types import Impact, Priority, Severity

_P1, _P2, _P3, _P4 = Priority.P1, Priority.P2, Priority.P3, Priority.P4

#: Rows are severities; columns are the impacts high, medium, low.
MATRIX: dict[Severity, tuple[Priority, Priority, Priority]] = {
    Severity.CRITICAL: (_P1, _P1, _P2),
    Severity.HIGH: (_P1, _P2, _P3),
    Severity.NORMAL: (_P2, _P3, _P4),
    Severity.LOW: (_P3, _P4, _P4),
}
_COLUMN = {Impact.HIGH: 0, Impact.MEDIUM: 1, Impact.LOW: 2}


def priority_of(severity: Severity, impact: Impact) -> Priority:
    """Look the priority up."""
    return MATRIX[severity][_COLUMN[impact]]
