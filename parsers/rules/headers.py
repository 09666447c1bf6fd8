"""Looking up header fields, for the rules beside this file."""

from collections.abc import Iterator

from chamado.parsers.types import Header, ParsedMessage

_Index = dict[str, list[Header]]
# The rules look at one message after the other: the index of the last one is kept. A
# tuple is replaced as a whole, so threads can only ever see a matching pair.
_last: tuple[tuple[Header, ...], _Index] = ((), {})


def _index(message: ParsedMessage) -> _Index:
    global _last
    headers, index = _last
    if headers is not message.headers:
        index = {}
        for header in message.headers:
            index.setdefault(header.name.lower(), []).append(header)
        _last = (message.headers, index)
    return index


def values(message: ParsedMessage, *names: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of every field with one of these lower-case names."""
    index = _index(message)
    for name in names:
        for header in index.get(name, ()):
            yield header.name, header.value


def first_word(value: str) -> str:
    """Return the first token of a value, lower-case: parameters do not count."""
    return value.split(";", 1)[0].split(" ", 1)[0].strip().lower()


def shown(name: str, value: str) -> str:
    """Return a field for the eyes of an operator, cut where it gets long."""
    return f"{name}: {value[:100]}"
