"""What an agent's mail asks for: commands in its first lines, then words.

Commands stand at the very top, one a line, and end at the first line that is none. One
that is unknown or malformed makes the whole mail come back: half of what somebody meant
is worse than nothing.
"""

import re

from chamado.daemon.core.types import (
    Command,
    Order,
    Priority,
    Resolution,
    Verb,
    Wrong,
)

_LINE = re.compile(r"#(?P<word>[A-Za-z][\w-]*)(?:[ \t]+(?P<argument>.*))?")
#: A mail with more commands than this is no mail from a person at work.
MAX_COMMANDS = 10


#: The words that Portuguese and Spanish speakers try first.
SYNONYMS = {
    "responder": Verb.REPLY,
    "nota": Verb.NOTE,
    "interno": Verb.NOTE,
    "atribuir": Verb.ASSIGN,
    "asignar": Verb.ASSIGN,
    "prioridade": Verb.PRIORITY,
    "prioridad": Verb.PRIORITY,
    "resolver": Verb.RESOLVE,
    "aguardar": Verb.WAIT,
    "esperar": Verb.WAIT,
    "escalar": Verb.ESCALATE,
}
_WORDS = {verb.value: verb for verb in Verb} | SYNONYMS


def read_order(text: str) -> Order:
    """Read the commands at the top of an agent's new words."""
    order = _read(text)
    return Order(wrong=order.wrong, text=text.strip()) if order.wrong else order


def _read(text: str) -> Order:
    lines = text.strip().split("\n")
    commands: list[Command] = []
    for number, line in enumerate(lines):
        if not line.strip() and not commands:
            continue
        found = _LINE.fullmatch(line.strip())
        if not found:
            return _order(commands, "\n".join(lines[number:]).strip())
        if len(commands) == MAX_COMMANDS:
            return Order(wrong=_wrong("too_many", most=str(MAX_COMMANDS)))
        command = _command(found["word"], (found["argument"] or "").strip())
        if isinstance(command, Wrong):
            return Order(wrong=command)
        commands.append(command)
    return _order(commands, "")


def _order(commands: list[Command], text: str) -> Order:
    verbs = [command.verb for command in commands]
    twice = sorted({verb.value for verb in verbs if verbs.count(verb) > 1})
    if twice:
        return Order(wrong=_wrong("twice", word=twice[0]))
    if {Verb.REPLY, Verb.NOTE} <= set(verbs):
        return Order(wrong=_wrong("contradiction"))
    if not text and (Verb.NOTE in verbs or Verb.REPLY in verbs):
        return Order(wrong=_wrong("no_words"))
    return Order(commands=tuple(commands), text=text)


def _wrong(code: str, **facts: str) -> Wrong:
    return Wrong(code=code, facts=tuple(facts.items()))


def _command(word: str, argument: str) -> Command | Wrong:
    verb = _WORDS.get(word.lower())
    if verb is None:
        known = " ".join(f"#{verb.value}" for verb in Verb)
        return _wrong("unknown_command", word=word, known=known)
    wrong = _CHECKS[verb](word, argument)
    return wrong or Command(verb=verb, argument=argument)


def _nothing(word: str, argument: str) -> Wrong | None:
    return _wrong("takes_nothing", word=word, argument=argument) if argument else None


def _something(word: str, argument: str) -> Wrong | None:
    return None if argument else _wrong("lacks_argument", word=word)


def _priority(_: str, argument: str) -> Wrong | None:
    if argument.lower() in list(Priority):
        return None
    return _wrong("no_priority", argument=argument, known=" ".join(Priority))


def _resolution(_: str, argument: str) -> Wrong | None:
    if argument.lower() in list(Resolution):
        return None
    return _wrong("no_resolution", argument=argument, known=" ".join(Resolution))


_CHECKS = {
    Verb.REPLY: _nothing,
    Verb.NOTE: _nothing,
    Verb.ASSIGN: _something,
    Verb.PRIORITY: _priority,
    Verb.RESOLVE: _resolution,
    Verb.WAIT: _nothing,
    Verb.ESCALATE: _something,
}
