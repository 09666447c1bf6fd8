"""Every key a configuration may hold, read off the settings themselves.

A key is dotted; the place of a number in a list of tables is written `*`, so that
`mailbox.*.host` stands for the host of each mailbox.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import get_args, get_origin

from pydantic import BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from chamado.config.settings import Section, Settings
from chamado.config.units import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What there is to know about one key before its value is looked at."""

    pattern: str
    required: bool
    default: object
    is_duration: bool
    is_flag: bool
    is_list: bool
    is_path: bool
    is_secret: bool


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _section(annotation: object) -> tuple[type[Section], bool] | None:
    """Return the table class in an annotation and whether it is a list of tables."""
    listed = get_origin(annotation) is tuple
    inner = get_args(annotation)[0] if listed else annotation
    if isinstance(inner, type) and issubclass(inner, Section):
        return inner, listed
    return None


def _key(pattern: str, field: FieldInfo) -> Key:
    parts = list(_parts(field.annotation))
    return Key(
        pattern=pattern,
        required=field.is_required(),
        default=None if field.is_required() else field.default,
        is_duration=any(
            isinstance(part, BeforeValidator) and part.func is seconds
            for part in (*parts, *field.metadata)
        ),
        is_flag=bool in parts,
        is_list=get_origin(field.annotation) is tuple,
        is_path=Path in parts,
        is_secret=SecretStr in parts,
    )


def _walk(table: type[Section], prefix: str) -> Iterator[Key]:
    for name, field in table.model_fields.items():
        pattern = prefix + (field.alias or name)
        found = _section(field.annotation)
        if found is None:
            yield _key(pattern, field)
        else:
            yield from _walk(found[0], f"{pattern}.*." if found[1] else f"{pattern}.")


KEYS: Mapping[str, Key] = MappingProxyType(
    {key.pattern: key for key in _walk(Settings, "")}
)
LIST_TABLES = frozenset(p.split(".")[0] for p in KEYS if ".*." in p)
TABLES = frozenset(p.split(".")[0] for p in KEYS)


def pattern_of(dotted: str) -> str:
    """Return the pattern of a concrete key: mailbox.0.host is mailbox.*.host."""
    head, *rest = dotted.split(".")
    if rest and rest[0].isdecimal() and head in LIST_TABLES:
        rest[0] = "*"
    return ".".join([head, *rest])


def nearest(dotted: str) -> str | None:
    """Return the known key most like an unknown one, or None when none is like it."""
    pattern = pattern_of(dotted)
    head, _, last = pattern.rpartition(".")
    siblings = {p.rpartition(".")[2]: p for p in KEYS if p.rpartition(".")[0] == head}
    namesakes = {p.rpartition(".")[2]: p for p in KEYS}
    for words, names in (
        (last, siblings),
        (pattern, {p: p for p in (*KEYS, *TABLES)}),
        (last, namesakes),
    ):
        if close := difflib.get_close_matches(words, names, n=1, cutoff=0.6):
            return names[close[0]].replace(".*", "")
    return None
