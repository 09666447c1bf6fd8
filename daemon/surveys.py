"""Surveys for those who are no mail: the clock that sends them, the page that asks.

Each call is a transaction of its own. What a stranger's token leads to is decided here
by its hash alone; what a vote means is the business of `votes`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from chamado.daemon import metrics, questions, votes
from chamado.daemon.core import survey as rules
from chamado.daemon.desk import Desk
from chamado.daemon.store import surveys
from chamado.daemon.store.engine import Store
from chamado.daemon.store.surveys import Survey
from chamado.daemon.votes import Heard

log = structlog.get_logger()

SURVEYS_A_TICK = 200
#: A question that cannot be worded today is tried again after this time.
TRY_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A survey as its page shows it."""

    number: int
    subject: str
    language: str
    score: int | None
    comment: str
    low: bool
    expires_at: datetime
    expired: bool


class Surveys:
    """Surveys over one database, for the clock and for the page.

    Any thread may use it; `desk` gives the settings in force.
    """

    def __init__(
        self,
        store: Store,
        desk: Callable[[], Desk],
        on_queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._desk = desk
        self._on_queued = on_queued

    def send_due(self) -> int:
        """Send or cancel what is due; return how many letters were queued.

        Each in a transaction of its own: one that fails keeps no other waiting.
        """
        now = self._desk().clock()
        with self._store.write() as work:
            surveys.expire(work, now)
            ids = surveys.due(work, now, SURVEYS_A_TICK)
        queued = 0
        for id_ in ids:
            try:
                with self._store.write() as work:
                    became = questions.ask(work, self._desk(), id_)
            except Exception:
                # The edge of the tick: told with its trace, and tried again.
                log.exception("survey_not_sent", survey=id_)
                with self._store.write() as work:
                    surveys.postpone(work, id_, now + TRY_AGAIN)
                continue
            if became:
                metrics.SURVEYS.labels(became).inc()
            queued += became == "sent"
        if queued:
            self._on_queued()
        return queued

    def question(self, token: str) -> Question | None:
        """Return what the page of a token shows; None for a token of nobody."""
        desk = self._desk()
        with self._store.read() as work:
            found = surveys.by_token(work, rules.token_hash(token))
        return _question(found, desk) if found else None

    def nonce(self, token: str) -> str:
        """Make what the form of this page carries."""
        desk = self._desk()
        return rules.make_nonce(desk.keyring, rules.token_hash(token), desk.clock())

    def nonce_is_good(self, token: str, nonce: str) -> bool:
        """Whether a form was fetched from us, for this survey, not too long ago."""
        desk = self._desk()
        hashed = rules.token_hash(token)
        return rules.nonce_is_good(desk.keyring, hashed, nonce, desk.clock())

    def vote(self, token: str, score: int, comment: str) -> Heard:
        """Write a vote of the page down."""
        desk = self._desk()
        with self._store.write() as work:
            found = surveys.held_by_token(work, rules.token_hash(token))
            if found is None:
                return Heard.UNKNOWN
            heard, alarm = votes.record(
                work, desk, found, score=score, comment=comment, via="web"
            )
        votes.raise_alarm(alarm)
        return heard

    def leave(self, token: str) -> bool:
        """Ask this contact nothing any more; False for a token of nobody."""
        with self._store.write() as work:
            found = surveys.by_token(work, rules.token_hash(token))
            if found is None:
                return False
            votes.leave(work, found, "web", self._desk().clock())
        return True


def _question(found: Survey, desk: Desk) -> Question:
    now = desk.clock()
    expires_at = found.expires_at or now
    return Question(
        number=found.ticket,
        subject=found.subject,
        language=found.language,
        score=found.score,
        comment=found.comment,
        low=(found.score or rules.SCORES[-1]) <= desk.settings.survey.low_score,
        expires_at=expires_at,
        expired=expires_at <= now,
    )
