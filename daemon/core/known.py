"""Our own letter, quoted below an answer without a mark: known by its very words.

Some programs put what they answer under the answer and say nothing about it. We know
what we sent, so its words are found again, however the lines were broken. Only whole
lines at the end of a text are cut, and only from what is shown; the text stays whole.
Each line is looked at once.
"""

#: Fewer characters or lines than these may be an accident: a greeting, a name.
FEWEST_CHARS = 60
FEWEST_LINES = 2
#: Past these nobody reads on, and the search has its bound.
MOST_CHARS = 65_536
_LONGEST_LINE = 2_000
#: How many places in our letter the last line is tried at.
_TRIES = 4
_MARKS = " \t>|*\u00a0\u200b"


def cut_known(text: str, known: str) -> tuple[str, str]:
    """Split a text into what is new and the tail that repeats `known`.

    The tail is empty where nothing is sure, or where nothing new would be left.
    """
    letter = " ".join(_plain(line) for line in known[:MOST_CHARS].split("\n")).split()
    ours = " ".join(letter)
    if len(ours) < FEWEST_CHARS or len(text) > MOST_CHARS:
        return text, ""
    lines = text.split("\n")
    first = _tail(lines, ours)
    if first is None or not "".join(lines[:first]).strip():
        return text, ""
    kept = "\n".join(lines[:first]).rstrip("\n") + "\n"
    return kept, "\n".join(lines[first:]).strip("\n") + "\n"


def _plain(line: str) -> str:
    return " ".join(line.strip(_MARKS).split())


def _tail(lines: list[str], ours: str) -> int | None:
    """Return the line where our words begin that go on to the end."""
    last = len(lines) - 1
    while last >= 0 and not _plain(lines[last]):
        last -= 1
    if last < 0:
        return None
    end = _plain(lines[last])
    if len(end) > _LONGEST_LINE:
        return None
    at = len(ours)
    for _ in range(_TRIES):
        at = ours.rfind(end, 0, at)
        if at < 0:
            return None
        stop = at + len(end)
        if _is_word_end(ours, stop) and (found := _walk(lines, last, ours, stop)):
            return found
        at = stop - 1
    return None


def _is_word_end(ours: str, at: int) -> bool:
    return at == len(ours) or ours[at] == " "


def _walk(lines: list[str], last: int, ours: str, stop: int) -> int | None:
    """Go up while each line ends where the one below it began."""
    first, matched, whole = last + 1, 0, 0
    for index in range(last, -1, -1):
        line = _plain(lines[index])
        if not line:
            continue
        start = stop - len(line)
        if start < 0 or not ours.startswith(line, start):
            break
        if start and ours[start - 1] != " ":
            break
        first, matched, whole = index, matched + len(line), whole + 1
        stop = start - 1
        if stop <= 0:
            break
    if matched < FEWEST_CHARS or whole < FEWEST_LINES:
        return None
    return first
