"""What an agent's mail asks for: commands in its first lines, then words.

Commands stand at the very top, one a line, and end at the first line that is none. One
that is unknown or malformed makes the whole mail come back: half of what somebody meant
is worse than nothing. So does a slip at the top, "#note:" or "# note": what was to stay
inside would go to the customer. And so does a good command further down: it was meant
for us, and a customer would read it. What merely begins with a # there (code, a number,
a word of ours in a sentence or with an argument that it does not take) is text.
"""

import re
import unicodedata

from chamado.daemon.core.types import (
    Command,
    Order,
    Priority,
    Resolution,
    Verb,
    Wrong,
)

_LINE = re.compile(r"#(?P<word>[A-Za-z][\w-]*)(?:[ \t]+(?P<argument>.*))?")
# What begins like a command of ours and is none, for a sign or a gap too many.
_SLIP = re.compile(r"#\s*(?P<word>[A-Za-z][\w-]*)")
_BOLD = "*_~`"
#: A mail with more commands than this is no mail from a person at work.
MAX_COMMANDS = 10
#: What agents call themselves behind #assign.
MYSELF = ("me", "eu", "mim", "yo")
_SOMEBODY = re.compile(r"[^\s@]+@[^\s@]+")


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


def commands_us(text: str) -> bool:
    """Whether the first line is a command that we know, well formed or not."""
    return _means_us(_bare(text.strip().partition("\n")[0]))


def _means_us(line: str) -> bool:
    found = _SLIP.match(line)
    return found is not None and found["word"].lower() in _WORDS


def _bare(line: str) -> str:
    """A line as it was typed: without what phones and rich text put around and into a
    command, full-width signs, marks of bold, characters that nobody sees."""
    plain = unicodedata.normalize("NFKC", line)
    seen = "".join(c for c in plain if unicodedata.category(c) != "Cf")
    return seen.strip().strip(_BOLD).strip()


def _read(text: str) -> Order:
    lines = text.strip().split("\n")
    commands: list[Command] = []
    for number, line in enumerate(lines):
        if not line.strip() and not commands:
            continue
        typed = _bare(line)
        found = _LINE.fullmatch(typed)
        if not found and _means_us(typed):
            return Order(wrong=_unknown(typed.removeprefix("#")))
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
    below = next(filter(_is_command, text.split("\n")), None)
    if below is not None:
        return Order(wrong=_wrong("below", line=below.rstrip()))
    return Order(commands=tuple(commands), text=text)


def _is_command(line: str) -> bool:
    """Whether a line below the top is a command beyond doubt.

    Indented lines are code, and quoted ones begin with their mark.
    """
    if line[:1].isspace():
        return False
    found = _LINE.fullmatch(_bare(line))
    if not found or found["word"].lower() not in _WORDS:
        return False
    command = _command(found["word"], (found["argument"] or "").strip())
    if isinstance(command, Wrong):
        return False
    if command.verb is Verb.ASSIGN:
        # Any word may stand behind it at the top, where it is refused by name.
        return command.argument.lower() in MYSELF or bool(
            _SOMEBODY.fullmatch(command.argument)
        )
    return True


def _wrong(code: str, **facts: str) -> Wrong:
    return Wrong(code=code, facts=tuple(facts.items()))


def _command(word: str, argument: str) -> Command | Wrong:
    verb = _WORDS.get(word.lower())
    if verb is None:
        return _unknown(word)
    wrong = _CHECKS[verb](word, argument)
    return wrong or Command(verb=verb, argument=argument)


def _unknown(word: str) -> Wrong:
    known = " ".join(f"#{verb.value}" for verb in Verb)
    return _wrong("unknown_command", word=word, known=known)


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
