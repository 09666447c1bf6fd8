"""Triage on arrival: how severe a new case is, whose it is, or that it is none.

Three voices, the later one stronger: what the support address says, the words a
customer uses, the operator's rules. Among rules the first that names a property has it,
and tags add up. Everything that spoke is kept as a reason for `chamado why`. A rule may
keep mail from becoming a case at all; the mail itself is always kept.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from chamado.config.settings import Priorities, Rule, Settings, SupportAddress
from chamado.config.settings import Triage as Words
from chamado.config.spelling import identity, readable
from chamado.daemon.core.priority import Matrix, matrix_of, priority_of
from chamado.daemon.core.types import Impact, Priority, Severity
from chamado.parsers.types import Kind, ParsedMessage

#: Words are looked for within this much of the new text.
LOOKED_AT = 20_000
#: Longer values of a header are cut before a pattern sees them.
HEADER_CHARS = 8_000
TAG_CHARS = 64

#: The words on each level, the most severe first.
LEVELS = (Severity.CRITICAL, Severity.HIGH, Severity.LOW)
#: "não é urgente" and "not urgent" say the contrary of the word they end with.
_DENIED = re.compile(
    r"\b(?:nao|nem|not|isnt|no|nada)(?: (?:e|eh|esta|seja|tao|muito|nada|es|tan|muy"
    r"|is|so|very|that|really)){0,2} $"
)
_STARS = re.compile(r"\*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What triage looks at. `recipients` are the support address and the envelope's."""

    message: ParsedMessage
    kind: Kind
    sender: str
    recipients: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """What triage says of a case that a message opens.

    `team` is empty where no rule names one. `suppress` is the rule that keeps the
    message from becoming a case. `reasons` are sentences, in the order of speaking.
    """

    severity: Severity = Severity.NORMAL
    impact: Impact = Impact.MEDIUM
    priority: Priority = Priority.P3
    team: str = ""
    tags: tuple[str, ...] = ()
    assignee: str | None = None
    suppress: str | None = None
    reasons: tuple[str, ...] = ()


Condition = Callable[[Arrived], bool]


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    conditions: tuple[Condition, ...]

    def fits(self, arrived: Arrived) -> bool:
        return all(holds(arrived) for holds in self.conditions)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Rules, words and matrix, compiled once; `triage` applies them."""

    rules: tuple[_Compiled, ...]
    words: tuple[tuple[Severity, tuple[str, ...], re.Pattern[str]], ...]
    matrix: Matrix

    def triage(self, arrived: Arrived, support: SupportAddress) -> Triage:
        """Say what becomes of a message that opens a case."""
        fitting = [c.rule for c in self.rules if c.fits(arrived)]
        severity, why = self._severity(arrived, fitting, support)
        impact = Impact(_first(fitting, "impact") or support.impact)
        priority = priority_of(severity, impact, self.matrix)
        return Triage(
            severity=severity,
            impact=impact,
            priority=Priority(_first(fitting, "priority") or priority),
            team=_first(fitting, "team"),
            tags=tags_of(t for rule in fitting for t in rule.tags),
            assignee=_spelt(_first(fitting, "assignee")) or None,
            suppress=next((r.name for r in fitting if r.suppress), None),
            reasons=(*why, *(f"rule {rule.name}: {_says(rule)}" for rule in fitting)),
        )

    def _severity(
        self, arrived: Arrived, fitting: list[Rule], support: SupportAddress
    ) -> tuple[Severity, tuple[str, ...]]:
        by_rule = _first(fitting, "severity")
        by_word = self._word(arrived.message)
        why: tuple[str, ...] = ()
        if by_word:
            why = (f'word "{by_word[1]}": severity {by_word[0].value}',)
        elif support.severity != "normal" and not by_rule:
            why = (f"address {support.address}: severity {support.severity}",)
        found = by_word[0] if by_word else Severity(support.severity)
        return Severity(by_rule or found), why

    def _word(self, message: ParsedMessage) -> tuple[Severity, str] | None:
        said = f"{_plain(message.subject)} . {_plain(message.reply[:LOOKED_AT])}"
        for level, texts, pattern in self.words:
            # Most mail holds none of the words, and to look for them as they stand is
            # much faster than to look for their borders.
            if not any(text in said for text in texts):
                continue
            for found in pattern.finditer(said):
                if not _DENIED.search(said, max(found.start() - 24, 0), found.start()):
                    return level, found.group()
        return None


@lru_cache(maxsize=8)
def compiled(rules: tuple[Rule, ...], words: Words, priorities: Priorities) -> Arrival:
    """Compile the operator's rules and words; the same ones are compiled once."""
    by_level = {level: _known(getattr(words, level.value)) for level in LEVELS}
    return Arrival(
        rules=tuple(_Compiled(rule, tuple(_conditions(rule))) for rule in rules),
        words=tuple(
            (level, texts, _any_of(texts)) for level, texts in by_level.items() if texts
        ),
        matrix=matrix_of(priorities),
    )


def arrival_of(settings: Settings) -> Arrival:
    """Return what the settings say on arrivals."""
    return compiled(settings.rule, settings.triage, settings.priority)


def pattern_of(text: str) -> re.Pattern[str]:
    """Compile a pattern of * and ? to a regular expression that is linear.

    It has to fit the whole value, without regard to case. What stands between two
    stars is taken where it first occurs, which is always good enough, and never given
    back (an atomic group): no value makes this go over the same ground twice.
    """
    pieces = [_piece(piece) for piece in _STARS.split(_composed(text))]
    first, rest = pieces[0], pieces[1:]
    if not rest:
        return re.compile(rf"(?s:{first})\Z", re.IGNORECASE)
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece)
    last = rf".*{rest[-1]}" if rest[-1] else ".*"
    return re.compile(rf"(?s:{first}{middle}{last})\Z", re.IGNORECASE)


def tags_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return tags as they are kept: lower case, one word each, every one once."""
    words = (_APART_TAG.sub("-", text.strip().lower()).strip("-") for text in texts)
    return tuple(dict.fromkeys(word[:TAG_CHARS] for word in words if word))


_APART_TAG = re.compile(r"[\s,\x00-\x1f\x7f]+")


def _conditions(rule: Rule) -> Iterator[Condition]:
    if rule.sender:
        yield _sender(pattern_of(rule.sender))
    if rule.recipient:
        yield _recipient(pattern_of(rule.recipient))
    if rule.subject:
        yield _subject(pattern_of(rule.subject))
    if rule.header:
        name, _, wanted = rule.header.partition(":")
        yield _header(name.strip().lower(), pattern_of(wanted.strip()))
    if rule.kind:
        yield _kind(pattern_of(rule.kind))
    if rule.larger_than:
        yield _larger(rule.larger_than)


def _sender(pattern: re.Pattern[str]) -> Condition:
    return lambda a: _fits(pattern, a.sender)


def _recipient(pattern: re.Pattern[str]) -> Condition:
    return lambda a: any(_fits(pattern, r) for r in a.recipients)


def _fits(pattern: re.Pattern[str], address: str) -> bool:
    # Operators write a domain as they read it, or as DNS has it.
    return any(map(pattern.match, (address, readable(address))))


def _subject(pattern: re.Pattern[str]) -> Condition:
    return lambda a: bool(pattern.match(_composed(a.message.subject)))


def _header(name: str, pattern: re.Pattern[str]) -> Condition:
    return lambda a: any(
        pattern.match(_composed(h.value[:HEADER_CHARS]))
        for h in a.message.headers
        if h.name.lower() == name
    )


def _kind(pattern: re.Pattern[str]) -> Condition:
    return lambda a: bool(pattern.match(a.kind.value))


def _larger(size: int) -> Condition:
    return lambda a: a.size > size


def _first(rules: list[Rule], name: str) -> str:
    return next((str(v) for rule in rules if (v := getattr(rule, name))), "")


def _spelt(assignee: str) -> str:
    """As agents are kept; while there are none, anybody may be named by any word."""
    return identity(assignee) or assignee.lower()


_NAMED = ("team", "severity", "impact", "priority", "assignee")


def _says(rule: Rule) -> str:
    said = [f"{name} {value}" for name in _NAMED if (value := getattr(rule, name))]
    said += [f"tag {tag}" for tag in tags_of(rule.tags)]
    if rule.suppress:
        said.append("no case")
    return ", ".join(said) or "nothing more"


def _known(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Words as text is compared; the longest first, since it says the most."""
    return tuple(sorted({_plain(t) for t in texts} - {""}, key=len, reverse=True))


def _any_of(texts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, texts))})(?!\w)")


def _plain(text: str) -> str:
    """Lower case without accents, single blanks: as people type in a hurry."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    # Few characters are different, so this asks few questions of every message.
    for char in set(bare):
        if char in "'’" or unicodedata.combining(char):
            bare = bare.replace(char, "")
    return " ".join(bare.split())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _piece(text: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in text)
