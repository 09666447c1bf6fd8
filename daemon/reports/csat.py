"""What customers answered when they were asked how it went."""

from collections import Counter
from dataclasses import dataclass, field

from chamado.config.settings import Settings
from chamado.daemon.core import figures
from chamado.daemon.reports.window import Document, Groups, Window
from chamado.daemon.store import reports
from chamado.daemon.store.engine import Work
from chamado.daemon.store.reports import SurveyRow

GROUPS = ("week", "team", "agent")
#: The answers that count as satisfied, of five.
SATISFIED = 4


@dataclass(slots=True)
class _Asked:
    """Questions that were sent, and what was answered."""

    sent: int = 0
    undelivered: int = 0
    scores: list[int] = field(default_factory=list)

    def count(self, row: SurveyRow) -> None:
        """Take a question in."""
        self.sent += 1
        self.undelivered += row.reason == "bounced"
        if row.score is not None:
            self.scores.append(row.score)

    def document(self) -> Document:
        """Say it in figures; a share never stands without its number of answers."""
        answers = len(self.scores)
        satisfied = sum(score >= SATISFIED for score in self.scores)
        return {
            "sent": self.sent,
            "undelivered": self.undelivered,
            "answers": answers,
            "response_percent": figures.percent(answers, self.sent),
            "top2_percent": figures.percent(satisfied, answers),
            "average": figures.mean(self.scores),
            "scores": {str(n): self.scores.count(n) for n in range(1, 6)},
        }


def csat(work: Work, settings: Settings, window: Window) -> Document:
    """Report on the questions that were sent in the window, whenever the answer came.

    Those that were planned in it and never sent are counted by the reason.
    """
    total, groups = _Asked(), Groups(GROUPS, _Asked)
    not_sent: Counter[str] = Counter()
    low: list[SurveyRow] = []
    for row in reports.surveys(work, window.since, window.until):
        if row.sent_at is None:
            not_sent[row.reason or row.state] += 1
            continue
        values = {
            "week": figures.week_of(row.sent_at, window.zone),
            "team": row.team,
            "agent": row.agent,
        }
        for asked in (total, *groups.of(values)):
            asked.count(row)
        if row.score is not None and row.score <= settings.survey.low_score:
            low.append(row)
    return {
        **window.head("csat"),
        "low_score": settings.survey.low_score,
        "total": total.document(),
        "by": groups.document(_Asked.document),
        "not_sent": dict(sorted(not_sent.items())),
        "comments": [_comment(row) for row in low],
    }


def _comment(row: SurveyRow) -> Document:
    return {
        "number": row.ticket,
        "agent": row.agent,
        "score": row.score,
        "comment": row.comment,
        "answered_at": row.answered_at,
    }
