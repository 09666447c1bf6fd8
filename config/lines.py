"""On which line of a TOML file a key stands; tomllib does not tell.

Reads one statement after the other: lines are gathered until tomllib understands them
as a whole. Only for text that tomllib has already understood.
"""

import io
import tomllib
from collections.abc import Iterator


def flatten(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield dotted keys and their values; lists of tables count from 0.

    An empty table is yielded as itself: `[[listener]]` alone is a listener.
    """
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        value = {str(number): item for number, item in enumerate(value)}
    if isinstance(value, dict) and (value or not prefix):
        for name, item in value.items():
            yield from flatten(item, f"{prefix}.{name}" if prefix else name)
    else:
        yield prefix, value


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, object]]]:
    gathered, start = "", 1
    for number, line in enumerate(io.StringIO(text), start=1):
        gathered, start = (gathered + line, start) if gathered else (line, number)
        try:
            found = tomllib.loads(gathered)
        except tomllib.TOMLDecodeError:
            continue
        if found:
            yield start, gathered.strip(), found
        gathered = ""


def _header(found: dict[str, object], count: dict[str, int]) -> str:
    """Return the dotted name of the table a header opens, with its number in a list."""
    (dotted, value), *_ = flatten(found)
    parts = dotted.removesuffix(".0").split(".")
    # `[[a]]` comes out as an empty table below a number; `[a]` without a number.
    if dotted.endswith(".0") and value == {}:
        name = ".".join(parts)
        count[name] = count.get(name, -1) + 1
        return f"{name}.{count[name]}"
    if parts[0] in count:
        parts.insert(1, str(count[parts[0]]))
    return ".".join(parts)


def lines(text: str) -> dict[str, int]:
    """Return dotted key -> line number (from 1) of each key and table header."""
    table, count, where = "", dict[str, int](), dict[str, int]()
    for number, statement, found in _statements(text):
        if statement.startswith("["):
            table = _header(found, count)
            where[table] = number
            continue
        for dotted, _ in flatten(found):
            where.setdefault(f"{table}.{dotted}" if table else dotted, number)
    return where
