"""Notifications are worded here, in our templates or the operator's.

A letter is never lost to a broken override: our own words go out instead, and the log
has an alarm. Templates get plain values only, strangers' text only after `text`
cleaned it, and never as part of their source.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from chamado.config.address import Address
from chamado.notifier import forms, letter, reasons, text, wording
from chamado.notifier.forms import Wording
from chamado.notifier.types import (
    TO_AGENTS,
    CaseShown,
    FlawedFile,
    Happened,
    Letter,
    LetterKind,
    Notification,
    Poll,
)

FILES_SHOWN = 20
CASES_SHOWN = 100
HAPPENED_SHOWN = 20
WHO_CHARS = 200
WHY_CHARS = 500

log = structlog.get_logger(__name__)


class Templates:
    """All templates, compiled once; any thread may use them.

    `override` is the operator's folder, `language` the one for customers whose own
    we do not speak, `timezone` (IANA) the zone of every date in a letter. `quiet` for
    whoever asks `check` and tells a person: then the log has no alarms.
    """

    def __init__(
        self,
        *,
        override: Path | None = None,
        language: str = "pt-BR",
        timezone: str = "UTC",
        quiet: bool = False,
    ) -> None:
        self._quiet = quiet
        self._zone = ZoneInfo(timezone)
        self._broken: dict[str, str] = {}
        self._ours = forms.ours()
        self._theirs = forms.theirs(override, self._alarm) if override else {}
        spoken = tuple(language for language, _ in self._ours)
        self._language = wording.nearest(language, spoken, "en")
        both = sorted({*self._ours, *self._theirs})
        self._spoken = {
            kind: tuple(lang for lang, other in both if other == kind)
            for kind in LetterKind
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """The language tags that there are templates for."""
        return tuple(sorted({language for language, _ in self._ours | self._theirs}))

    def compose(self, notification: Notification) -> Letter:
        """Word a notification and build its letter.

        Raises ValueError for what no letter can be made of: an unusable address or
        Message-ID, a moment without a time zone.
        """
        if notification.at.tzinfo is None:
            raise ValueError(f"{notification.at!r} says no time zone")
        at = notification.at.astimezone(self._zone)
        return letter.build(notification, self._word(notification), at)

    def check(self) -> list[str]:
        """Fill every override in once; say in words what is wrong with which."""
        for language, kind in self._theirs:
            self._word(sample(kind, language))
        return [f"{where}: {what}" for where, what in sorted(self._broken.items())]

    def _word(self, notification: Notification) -> Wording:
        kind = notification.kind
        known = self._spoken[kind]
        language = wording.nearest(notification.language, known, self._language)
        theirs = self._theirs.get((language, kind))
        if theirs:
            try:
                return theirs.write(self._words(notification, language))
            except Exception as error:  # noqa: BLE001 - a template can raise anything
                self._alarm(f"{language}/{kind}", error)
        if (language, kind) not in self._ours:
            language = self._language
        return self._ours[language, kind].write(self._words(notification, language))

    def _alarm(self, where: str, error: Exception) -> None:
        what = f"{type(error).__name__}: {text.one_line(str(error), 300)}"
        if self._broken.get(where) != what:
            self._broken[where] = what
            if self._quiet:
                return
            log.error("template_broken", template=where, problem=what)

    def _words(self, notification: Notification, language: str) -> dict[str, Any]:
        proven, files = notification.greet_by_name, notification.received_files
        recipient, sender = notification.recipient, notification.sender
        return {
            "language": language,
            "number": notification.number,
            "tag": letter.tag(notification.number),
            "name": text.greeting_name(recipient.name) if proven else "",
            "service": text.one_line(sender.name, text.NAME_CHARS) or sender.address,
            "promise": wording.duration(notification.promised_hours, language),
            "promised_by": self._moment(notification.promised_by, language),
            "files": [text.shown_file(f, trusted=proven) for f in files[:FILES_SHOWN]],
            "more_files": max(len(files) - FILES_SHOWN, 0),
            "flawed": [
                {"file": text.shown_file(f.name, trusted=proven), "why": f.why}
                for f in notification.flawed_files[:FILES_SHOWN]
            ],
            "unread": notification.unread,
            "screenshot_came": notification.screenshot_came,
            "subject": letter.bare_subject(notification.subject),
            "text": text.body(notification.text).strip("\n"),
            "topics": list(notification.topics),
            "resolution": notification.resolution,
            "grace": wording.duration(notification.grace_hours, language),
            **self._for_agents(notification, language),
            **_of_poll(notification),
        }

    def _for_agents(self, notification: Notification, language: str) -> dict[str, Any]:
        """What only mail to agents shows, cleaned like everything of strangers."""
        if notification.kind not in TO_AGENTS:
            return _NOTHING_FOR_AGENTS
        return {
            "cases": [
                {
                    "number": case.number,
                    "subject": letter.bare_subject(case.subject),
                    "requester": text.one_line(case.requester, WHO_CHARS),
                    "status": case.status,
                    "priority": case.priority,
                    "assignee": case.assignee,
                    "due": self._moment(case.due_at, language),
                }
                for case in notification.cases[:CASES_SHOWN]
            ],
            "more_cases": max(len(notification.cases) - CASES_SHOWN, 0),
            "happened": [
                {
                    "kind": one.kind,
                    "who": text.one_line(one.who, WHO_CHARS),
                    "text": text.body(one.text).strip("\n"),
                    "facts": [
                        {"name": name, "value": text.one_line(value, WHO_CHARS)}
                        for name, value in one.facts
                    ],
                }
                for one in notification.happened[:HAPPENED_SHOWN]
            ],
            "done": [text.one_line(one, WHO_CHARS) for one in notification.done],
            "why": _why(notification.why, language),
        }

    def _moment(self, at: datetime | None, language: str) -> wording.Moment | None:
        if at is None:
            return None
        return wording.moment(at.astimezone(self._zone), self._zone, language)


_NOTHING_FOR_AGENTS: dict[str, Any] = {
    "cases": (),
    "more_cases": 0,
    "happened": (),
    "done": (),
    "why": "",
}


def _why(why: reasons.Why | None, language: str) -> str:
    return text.one_line(reasons.worded(why, language), WHY_CHARS) if why else ""


def _of_poll(notification: Notification) -> dict[str, Any]:
    """What only a survey shows; `about` is a stranger's text unless proven."""
    poll = notification.poll
    proven = notification.greet_by_name
    return {
        "votes": dict(enumerate(poll.votes, 1)) if poll else {},
        "by_mail": poll.by_mail if poll else True,
        "leave": poll.leave if poll else "",
        "about": letter.bare_subject(notification.subject) if proven else "",
    }


def sample(kind: LetterKind, language: str) -> Notification:
    """Return a notification with something in every field, to try templates with."""
    return Notification(
        kind=kind,
        recipient=Address(name="Ana Souza", address="ana@example.com"),
        sender=Address(name="Acme Suporte", address="suporte@acme.example"),
        reply_to="suporte+token@acme.example",
        language=language,
        number=1042,
        at=datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
        message_id="ack.1042.sample@acme.example",
        in_reply_to="sample@example.com",
        subject="Não consigo entrar",
        promised_by=datetime(2026, 11, 23, 13, 0, tzinfo=UTC),
        received_files=("tela.png", "erro.log"),
        flawed_files=(FlawedFile(name="video.mp4", why="damaged"),),
        greet_by_name=True,
        topics=("steps", "logs", "headers", "screenshot"),
        resolution="answered",
        grace_hours=168.0,
        cases=(
            CaseShown(
                number=1042,
                subject="Não consigo entrar",
                requester="Ana Souza <ana@example.com>",
                status="open",
                priority="p2",
                assignee="bruno@acme.example",
                due_at=datetime(2026, 11, 23, 13, 0, tzinfo=UTC),
            ),
        ),
        happened=(
            Happened(kind="opened", who="Ana Souza", text="A tela fica azul."),
            Happened(kind="deadline_warning", facts=(("deadline", "first_response"),)),
            Happened(kind="not_delivered", facts=(("relay", "550 no"), ("new", "x"))),
        ),
        done=("replied", "priority p1"),
        why=reasons.Why(
            code="unknown_command", facts=(("word", "close"), ("known", "#note #reply"))
        ),
        poll=Poll(
            votes=tuple(
                f"mailto:suporte+token@acme.example?subject={n}" for n in range(1, 6)
            ),
            leave="mailto:suporte+token@acme.example?subject=unsubscribe",
            by_mail=True,
        ),
        text="Olá, Ana.\n\nO acesso voltou a funcionar.\n\nUm abraço,\nBruno",
        instance="sample",
    )
