"""Answers to surveys that come by mail: finding which one is meant, counting the vote.

A survey is found by its token, in an address or a subject, and by the signed Message-ID
of its letter. Whether what was written is a vote is decided in `core.ballot`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chamado.daemon import votes
from chamado.daemon.core import survey as rules
from chamado.daemon.core.ballot import Asked
from chamado.daemon.core.thread import MAX_IDS, subaddress
from chamado.daemon.core.tokens import IdClaim, id_is_for
from chamado.daemon.core.types import RecordVote
from chamado.daemon.desk import Desk
from chamado.daemon.store import surveys
from chamado.daemon.store.engine import Work
from chamado.daemon.store.surveys import Survey
from chamado.notifier.types import LetterKind
from chamado.parsers.types import Envelope, ParsedMessage

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A message that may answer a survey; `own_ids` are ids in the form of ours."""

    inbox_id: int
    message: ParsedMessage
    envelope: Envelope
    own_ids: Sequence[IdClaim]


def asked(work: Work, mails: Sequence[Answer], desk: Desk) -> dict[int, Asked]:
    """Find the surveys that messages answer, by inbox id."""
    hashes = {mail.inbox_id: _hashes(mail) for mail in mails}
    letters = {mail.inbox_id: _letters(mail) for mail in mails}
    by_hash, by_letter = surveys.answered_by(
        work,
        (one for found in hashes.values() for one in found),
        (claim.message_id for found in letters.values() for claim in found),
    )
    if not by_hash and not by_letter:
        return {}
    found: dict[int, Asked] = {}
    for mail in mails:
        id_ = mail.inbox_id
        token = next((by_hash[h] for h in hashes[id_] if h in by_hash), None)
        survey = token or _signed(letters[id_], by_letter, desk)
        if survey and survey.expires_at:
            found[id_] = Asked(
                survey=survey.id,
                ticket=survey.ticket,
                address=survey.address,
                expires_at=survey.expires_at,
                by_token=token is not None,
                names=_names(mail.message, desk),
            )
    return found


def count(work: Work, desk: Desk, decision: RecordVote) -> None:
    """Write down what a mail answered, in the transaction that files the mail."""
    found = surveys.held_by_id(work, decision.survey)
    if found is None:
        return
    if decision.score is None:
        votes.leave(work, found, "mail", desk.clock())
        return
    _, alarm = votes.record(
        work, desk, found, score=decision.score, comment=decision.comment, via="mail"
    )
    votes.raise_alarm(alarm)


def _hashes(mail: Answer) -> list[str]:
    message = mail.message
    people = [*message.to, *message.cc]
    addresses = [*mail.envelope.rcpt_tos, *(a.address for a in people)][:MAX_IDS]
    texts = [*map(subaddress, addresses), message.subject]
    return [rules.token_hash(token) for token in rules.tokens_in(texts)]


def _letters(mail: Answer) -> list[IdClaim]:
    return [c for c in mail.own_ids if c.kind == LetterKind.SURVEY.value]


def _signed(
    claims: Sequence[IdClaim], by_letter: dict[str, Survey], desk: Desk
) -> Survey | None:
    """A Message-ID counts for the person the letter went to, and only with its MAC."""
    for claim in claims:
        survey = by_letter.get(claim.message_id)
        if survey and id_is_for(desk.keyring, claim, survey.address):
            return survey
    return None


def _names(message: ParsedMessage, desk: Desk) -> frozenset[str]:
    sender = message.sender.name if message.sender else ""
    people = (sender, *(agent.name for agent in desk.settings.agent))
    words = _WORD.findall(" ".join((*people, desk.settings.service.name)))
    return frozenset(word.casefold() for word in words)
