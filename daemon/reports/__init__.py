"""What became of the promises, in figures: documents that the command line prints.

Every case of the time asked for is in exactly one column of each table, so that the
columns add up; whoever doubts a percentage can count. Times are those of arrival, so a
backlog that is worked off falsifies nothing, and an answer that bounced is none.
"""

from collections.abc import Callable

from chamado.config.settings import Settings
from chamado.daemon.reports.availability import availability
from chamado.daemon.reports.csat import csat
from chamado.daemon.reports.sla import sla
from chamado.daemon.reports.volume import volume
from chamado.daemon.reports.window import Document, Window
from chamado.daemon.store.engine import Work

__all__ = ["REPORTS", "Document", "Window"]

REPORTS: dict[str, Callable[[Work, Settings, Window], Document]] = {
    "sla": sla,
    "csat": csat,
    "volume": volume,
    "availability": availability,
}
