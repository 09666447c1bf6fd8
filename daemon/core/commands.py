"""What an agent's mail asks for: commands in its first lines, then words.

Commands stand at the very top, one a line, and end at the first line that is none. One
that is unknown or malformed makes the whole mail come back: half of what somebody meant
is worse than nothing.
"""

import re

from chamado.daemon.core.types import Command, Order, Priority, Resolution, Verb

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
    lines = text.strip().split("\n")
    commands: list[Command] = []
    for number, line in enumerate(lines):
        if not line.strip() and not commands:
            continue
        found = _LINE.fullmatch(line.strip())
        if not found:
            return _order(commands, "\n".join(lines[number:]).strip())
        if len(commands) == MAX_COMMANDS:
            return Order(wrong=f"more than {MAX_COMMANDS} commands")
        command, wrong = _command(found["word"], (found["argument"] or "").strip())
        if command is None:
            return Order(wrong=wrong)
        commands.append(command)
    return _order(commands, "")


def _order(commands: list[Command], text: str) -> Order:
    verbs = [command.verb for command in commands]
    twice = sorted({verb.value for verb in verbs if verbs.count(verb) > 1})
    if twice:
        return Order(wrong=f"#{twice[0]} stands there twice")
    if {Verb.REPLY, Verb.NOTE} <= set(verbs):
        return Order(wrong="#reply and #note contradict each other")
    if not text and (Verb.NOTE in verbs or Verb.REPLY in verbs):
        return Order(wrong="there are no words to send or to note")
    return Order(commands=tuple(commands), text=text)


def _command(word: str, argument: str) -> tuple[Command | None, str]:
    verb = _WORDS.get(word.lower())
    if verb is None:
        known = " ".join(f"#{verb.value}" for verb in Verb)
        return None, f"#{word} is no command; there are {known}"
    wrong = _CHECKS[verb](argument)
    return (None, wrong) if wrong else (Command(verb=verb, argument=argument), "")


def _nothing(argument: str) -> str:
    return f"{argument!r} stands behind a command that takes nothing" * bool(argument)


def _something(argument: str) -> str:
    return "" if argument else "a command lacks the word behind it"


def _priority(argument: str) -> str:
    if argument.lower() in list(Priority):
        return ""
    return f"{argument!r} is no priority; there are {' '.join(Priority)}"


def _resolution(argument: str) -> str:
    if argument.lower() in list(Resolution):
        return ""
    return f"{argument!r} is no resolution; there are {' '.join(Resolution)}"


_CHECKS = {
    Verb.REPLY: _nothing,
    Verb.NOTE: _nothing,
    Verb.ASSIGN: _something,
    Verb.PRIORITY: _priority,
    Verb.RESOLVE: _resolution,
    Verb.WAIT: _nothing,
    Verb.ESCALATE: _something,
}
