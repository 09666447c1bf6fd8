"""Where values come from: file, environment, credentials, each a flat layer.

A layer maps dotted keys to values with their origin. The stronger layer wins key by
key, so that a variable changes one key of one mailbox and nothing else.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chamado.config.keys import KEYS, LIST_TABLES, pattern_of
from chamado.config.lines import flatten, lines
from chamado.config.problems import ConfigError, Problem

PREFIX = "CHAMADO_"

# Each row says in how many ways one secret can be given. A stronger layer that uses
# one of the ways puts the ways of the weaker layers out of force, so that a systemd
# credential replaces the password_file which only root can read.
WAYS = (
    ("mailbox", ("password", "password_file", "token_command")),
    ("relay", ("password", "password_file")),
    ("database", ("url", "url_file")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value as it was written, and its origin in words."""

    value: object
    origin: str


Layer = Mapping[str, Value]


def from_file(path: Path, text: str) -> Layer:
    """Read a TOML file's text; relative paths are meant from the file's folder."""
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as mistake:
        what, _, place = str(mistake).partition(" (at line ")
        line = place.partition(",")[0]
        where = f"{path}:{line}" if line.isdecimal() else str(path)
        raise ConfigError((Problem(key="", message=what, where=where),)) from None
    at = lines(text)
    return {
        key: Value(value=_absolute(key, value, path.parent), origin=f"file {line}")
        for key, value in flatten(tables)
        for line in [_line(key, at)]
    }


def _line(key: str, at: Mapping[str, int]) -> int:
    while key not in at and "." in key:
        key = key.rpartition(".")[0]
    return at.get(key, 1)


def _absolute(key: str, value: object, folder: Path) -> object:
    known = KEYS.get(pattern_of(key))
    if known and known.is_path and isinstance(value, str) and value:
        return str(folder.absolute() / value)
    return value


def from_environment(environ: Mapping[str, str], folder: Path) -> Layer:
    """Read CHAMADO_SECTION__KEY and CHAMADO_TABLE__NUMBER__KEY.

    A list is written with commas or as a JSON array. Names without two underscores in
    a row are no settings (CHAMADO_CONFIG, CHAMADO_DATA_DIR).
    """
    layer = {}
    for name, text in environ.items():
        if name.startswith(PREFIX) and "__" in name:
            key = name.removeprefix(PREFIX).lower().replace("__", ".")
            value = _absolute(key, _listed(key, text), folder)
            layer[key] = Value(value=value, origin=f"environment {name}")
    return layer


def _listed(key: str, text: str) -> object:
    known = KEYS.get(pattern_of(key))
    if not (known and known.is_list):
        return text
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def from_credentials(
    environ: Mapping[str, str], names: Iterable[str], mailboxes: Mapping[str, str]
) -> tuple[Layer, tuple[Problem, ...]]:
    """Point `*_file` keys at what systemd put into $CREDENTIALS_DIRECTORY.

    `database` is the database's URL, `relay` the relay's password, `mailbox-NAME`
    that mailbox's, and `imap` the password of the only mailbox there is. `mailboxes`
    maps number to name. Whatever else lies there is not ours; what looks like ours
    and fits nothing is handed back as a warning.
    """
    folder = Path(environ.get("CREDENTIALS_DIRECTORY", ""))
    keys = {"database": "database.url_file", "relay": "relay.password_file"}
    keys |= {f"mailbox-{n}": f"mailbox.{i}.password_file" for i, n in mailboxes.items()}
    if len(mailboxes) == 1:
        keys["imap"] = f"mailbox.{next(iter(mailboxes))}.password_file"
    names = sorted(names)
    layer = {
        keys[name]: Value(value=str(folder / name), origin=f"credential {name}")
        for name in names
        if name in keys
    }
    strays = tuple(
        Problem(
            key="mailbox",
            where=f"credential {name}",
            message="belongs to no mailbox",
            hint="call it mailbox-NAME, or imap where there is only one mailbox",
        )
        for name in names
        if name not in keys and (name == "imap" or name.startswith("mailbox-"))
    )
    return layer, strays


def merge(*layers: Layer) -> dict[str, Value]:
    """Lay the layers on each other, the strongest last."""
    merged: dict[str, Value] = {}
    for layer in layers:
        for key in layer:
            for rival in _rivals(key):
                merged.pop(rival, None)
        merged |= layer
    return merged


def _rivals(key: str) -> Iterator[str]:
    table, _, name = key.rpartition(".")
    for section, ways in WAYS:
        if table.split(".")[0] == section and name in ways:
            yield from (f"{table}.{way}" for way in ways)


def nest(flat: Mapping[str, object]) -> dict[str, object]:
    """Turn dotted keys back into tables and lists of tables."""
    root: dict[str, object] = {}
    for key, value in flat.items():
        if value == [] and key in LIST_TABLES:
            continue
        *tables, name = key.split(".")
        node: object = root
        for table in tables:
            if isinstance(node, dict):
                node = node.setdefault(table, {})
        # A table that was written as something else stays that, and is reported; an
        # empty table only says that it is there.
        if isinstance(node, dict) and (value != {} or name not in node):
            node[name] = value
    for name in LIST_TABLES & root.keys():
        items = root[name]
        if isinstance(items, dict) and all(map(str.isdecimal, items)):
            root[name] = [items[i] for i in sorted(items, key=int)]
    return root


def gaps(flat: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (key, table) of numbers in a list of tables that leave a gap."""
    seen: dict[str, dict[int, str]] = {}
    for key in flat:
        table, *rest = key.split(".")
        if table in LIST_TABLES and rest and rest[0].isdecimal():
            seen.setdefault(table, {}).setdefault(int(rest[0]), key)
    for table, numbers in seen.items():
        for number, key in numbers.items():
            if number >= len(numbers):
                yield key, table
