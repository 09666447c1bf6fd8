"""Votes that come by mail: an answer to the question, or one of its mailto links.

A vote is a digit from 1 to 5 in a place where only a vote stands: alone in the subject,
or at the head of the new text. In doubt it is mail ("3 users cannot log in" is no
vote), and whatever a mail says beyond score and thanks goes the way of all mail too.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime

from chamado.config.spelling import identity
from chamado.daemon.core.types import (
    AppendReply,
    Decision,
    MatchedBy,
    OpenTicket,
    Proof,
    RecordVote,
    ThreadMatch,
    TicketFacts,
)
from chamado.parsers.types import Classification, Kind, ParsedMessage, Role

LINE_CHARS = 400
GREETING_LINES = 3
LATE = "vote_after_expiry"
WITH_VOTE = "with_survey_vote"
#: The word that the mailto variant of List-Unsubscribe puts into the subject.
UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The survey that a message answers, found by a token or by our Message-ID.

    `ticket` is the case it asks about, `address` whom it was sent to. `names` are
    lower-case words that say nothing when they stand beside a score: the customer's
    own name under it, an agent's in a thanks.
    """

    survey: int
    ticket: int
    address: str
    expires_at: datetime
    by_token: bool
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """A score, the words that came with it, and whether they say more than thanks."""

    score: int
    comment: str = ""
    says_more: bool = False


_BEFORE = (
    "nota|notas|minha|meu|voto|avaliação|avaliacao|dou|daria|eu|é|e|seria|a|um|uma|"
    "score|rating|rate|vote|my|i|give|gave|would|is|it|it's|the|"
    "puntuación|puntuacion|calificación|calificacion|mi|doy|es|un|una|"
    "resposta|respuesta|answer"
)
_SCALE = "estrelas?|stars?|estrellas?|pontos?|points?|puntos?"
#: Words that judge or thank. Right behind a digit they make it a score.
_VERDICT_WORDS = """
    muito muitíssimo obrigado obrigada obg agradeço agradecido agradecida grato grata
    valeu vlw ótimo otimo ótima otima excelente excepcional bom boa bem perfeito
    perfeita parabéns parabens rápido rapido rápida eficiente adorei gostei amei regular
    ruim péssimo pessimo péssima horrível top show nota
    very thank thanks thx great good excellent perfect awesome amazing wonderful
    fantastic nice fine okay ok fair poor bad terrible awful loved liked
    muchas muchos gracias muy bien buen bueno buena mal malo mala pésimo genial
    """
#: Words that ask for nothing where they stand beside a score and a verdict.
_COURTESY_WORDS = """
    pela pelo pelos por da do de ao à a o as os e em um uma ajuda apoio atenção
    atendimento suporte equipe time vocês vcs você rapidez tudo certo foi é está
    resolvido resolvida resolveu mais menos estrela estrelas abraço abraços abs att
    atenciosamente cordialmente olá oi dia tarde noite nível super demais sempre
    much you for the your all and so it was is of an help support service team fast
    quick quickly prompt job work well done best like star stars everything solved
    resolved hello hi dear kind regards cheers sincerely
    gracia la el los las su sus y en todo ayuda soporte equipo estrellas saludos
    atentamente hola resuelto resuelta
    """
_VERDICTS = frozenset(_VERDICT_WORDS.split())
KIND_WORDS = _VERDICTS | frozenset(_COURTESY_WORDS.split())
_LEAD = "|".join([_BEFORE, *sorted(KIND_WORDS)])
_HEAD = re.compile(
    rf"[\s>*_\"'(\[#-]*(?:(?:{_LEAD})\b[\s:=*.,!–—-]*){{0,8}}"
    r"(?P<score>[1-5])(?:\ufe0f?\u20e3)?"
    r"(?P<scale>\s*(?:/|de|em|out\s+of|of|sobre)\s*5)?(?![\w%]|[,.:/–—-]\d)"
    rf"(?P<unit>\s*(?:{_SCALE})\b)?(?P<after>.*)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"\s*([1-5])(?:\s+[a-z2-7]{26})?\s*", re.IGNORECASE)
_NO_MORE = re.compile(rf"\s*{UNSUBSCRIBE}(?:\s+[a-z2-7]{{26}})?\s*", re.IGNORECASE)
# Blanks of one line only: with line ends among them a page of blank lines is quadratic.
_LIST_GOES_ON = re.compile(r"^[ \t]*\d{1,2}[ \t]*[.):–—-]", re.MULTILINE)
#: A list that goes on does so before this many characters.
LIST_CHARS = 4_000
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
#: Punctuation of every kind, and pictures: "5, …", "5 – …", "5 👍"
_PARTS = frozenset(("Po", "Pd", "Ps", "Pe", "Pf", "Pc", "So"))
_EDGE = " \t\n.,;:!)*_–—-]\"'"


def read(message: ParsedMessage, names: frozenset[str]) -> Ballot | None:
    """Read a message as a vote; None when it is none, or when that is not certain."""
    if alone := _SUBJECT.fullmatch(message.subject):
        score, comment = int(alone[1]), message.reply.strip()
    else:
        found = _head(message.reply, names)
        if found is None:
            return None
        score, comment = found
    files = any(a.role is not Role.SIGNATURE_IMAGE for a in message.attachments)
    return Ballot(
        score=score,
        comment=comment,
        says_more=files or _asks(comment, names),
    )


def wants_no_more(message: ParsedMessage) -> bool:
    """Whether this is what the mailto variant of List-Unsubscribe sends."""
    return _NO_MORE.fullmatch(message.subject) is not None


def fate(
    asked: Asked | None,
    message: ParsedMessage,
    classification: Classification,
    usual: Decision,
    now: datetime,
    *,
    suspect: bool,
) -> Decision:
    """Turn the usual decision on an answer to a survey into a vote, where it is one.

    Only what would open or join a case can be a vote. `suspect` says that the sender
    behaves like a machine. Opting out needs the token alone: it is what a mailbox
    provider sends when its user presses the button, from whatever address that is.
    """
    if asked is None or not isinstance(usual, AppendReply | OpenTicket):
        return usual
    if asked.by_token and wants_no_more(message):
        return RecordVote(
            survey=asked.survey,
            ticket=asked.ticket,
            score=None,
            comment="",
            words=None,
            why="asks for no more surveys",
        )
    sender = identity(message.sender.address) if message.sender else ""
    if classification.kind is not Kind.PERSON or classification.no_reopen:
        return _of_a_machine(usual)
    if suspect or sender != asked.address:
        return usual
    ballot = read(message, asked.names)
    if ballot is None:
        return usual
    if asked.expires_at <= now:
        return usual if ballot.says_more else _late(asked, usual)
    more = "; its words go the usual way: " + usual.why if ballot.says_more else ""
    return RecordVote(
        survey=asked.survey,
        ticket=asked.ticket,
        score=ballot.score,
        comment=ballot.comment,
        words=replace(usual, flags=(*usual.flags, WITH_VOTE))
        if ballot.says_more
        else None,
        why=f"answers our survey with {ballot.score} of 5{more}",
    )


def match(
    found: ThreadMatch,
    asked: Asked | None,
    sender: str,
    ticket: TicketFacts | None,
) -> ThreadMatch:
    """Let a survey's token lead to its case where nothing signed does.

    `ticket` is the case that the survey asks about. The token was made for one
    address, so it proves what an address token of that person would prove.
    """
    signed = found.by in (MatchedBy.TOKEN, MatchedBy.OWN_ID)
    if signed or asked is None or ticket is None or not asked.by_token:
        return found
    proof = Proof.SENDER if sender == asked.address else Proof.OTHER
    why = f"it answers our survey (evidence: token, proof: {proof.value})"
    return replace(found, ticket=ticket, by=MatchedBy.TOKEN, proof=proof, why=why)


def _of_a_machine(usual: AppendReply | OpenTicket) -> Decision:
    """An out-of-office that answers a survey wakes nobody.

    A weak sign, such as its subject alone, leaves other mail awake. Here we know what
    was written to: a letter of ours that the case did not need.
    """
    if isinstance(usual, AppendReply) and usual.status is not None:
        why = f"{usual.why}; a machine answered our survey, nobody is woken"
        return replace(usual, status=None, why=why)
    return usual


def _late(asked: Asked, usual: AppendReply | OpenTicket) -> AppendReply:
    """A score alone that came too late: filed, waking nobody."""
    return AppendReply(
        ticket=usual.ticket if isinstance(usual, AppendReply) else asked.ticket,
        public=True,
        status=None,
        flags=(*usual.flags, LATE),
        why="answers our survey after it had expired: filed, not counted",
    )


def _head(text: str, names: frozenset[str]) -> tuple[int, str] | None:
    """Read the score at the head of a text; return it with what follows."""
    line, rest = _first_line(unicodedata.normalize("NFC", text), names)
    if _LIST_GOES_ON.match(line) and _LIST_GOES_ON.search(rest[:LIST_CHARS]):
        # "1. It does not start" and "2. …" below it: a list of troubles, no vote.
        return None
    found = _HEAD.match(line[:LINE_CHARS])
    if not found:
        return None
    after = found["after"] + line[LINE_CHARS:]
    if not (found["scale"] or found["unit"] or _ends_here(after)):
        return None
    comment = f"{after}\n{rest}".strip().lstrip(_EDGE).strip()
    return int(found["score"]), comment


def _first_line(text: str, names: frozenset[str]) -> tuple[str, str]:
    """Return the first line that is no mere greeting, and what comes below it."""
    rest = text
    for _ in range(GREETING_LINES):
        line, _, rest = rest.lstrip().partition("\n")
        if any(sign.isdigit() for sign in line) or _asks(line, names):
            return line, rest
    return rest.lstrip().partition("\n")[0], rest.lstrip().partition("\n")[2]


def _ends_here(after: str) -> bool:
    """Whether a digit is parted from the words behind it, or they are a verdict."""
    after = after.strip()
    if not after:
        return True
    if unicodedata.category(after[0]) in _PARTS and after[0] not in "%/&#@":
        return True
    first = _WORD.match(after)
    return first is not None and first[0].casefold() in _VERDICTS


def _asks(comment: str, names: frozenset[str]) -> bool:
    words = {word.casefold() for word in _WORD.findall(comment)}
    return "?" in comment or bool(words - KIND_WORDS - names)
