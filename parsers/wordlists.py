"""The word lists of the languages: one TOML file each, read once.

Adding a language to quote splitting, automatic-reply subjects and language voting is
copying a file in `languages/`; no code knows a language by name. Entries are plain
lower-case words, never patterns: they are escaped wherever a pattern is made of them.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One word list.

    `words` are the small words that vote. `wrote` and `on` build the line before a
    quote, `sender`, `sent`, `to`, `cc`, `subject` and `other` the labels of a copied
    header block, `original` and `forwarded` the line above it,
    `forward` the subject of what is sent on. `sent_from` begins what
    phones append, `sent_from_briefly` too if it is all that the line says, `sign_off`
    the end of a letter. `out_of_office` and
    `automatic_reply` begin the subjects of programs that answer; `undelivered` and
    `delayed` is what bounces say.
    """

    tag: str
    words: frozenset[str] = frozenset()
    wrote: frozenset[str] = frozenset()
    on: frozenset[str] = frozenset()
    sender: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    to: frozenset[str] = frozenset()
    cc: frozenset[str] = frozenset()
    subject: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()
    original: frozenset[str] = frozenset()
    forwarded: frozenset[str] = frozenset()
    forward: frozenset[str] = frozenset()
    sent_from: frozenset[str] = frozenset()
    sent_from_briefly: frozenset[str] = frozenset()
    sign_off: frozenset[str] = frozenset()
    out_of_office: frozenset[str] = frozenset()
    automatic_reply: frozenset[str] = frozenset()
    undelivered: frozenset[str] = frozenset()
    delayed: frozenset[str] = frozenset()


_LISTS = frozenset(one.name for one in fields(Language)) - {"tag"}


def _language(name: str, text: str) -> Language:
    data = tomllib.loads(text)
    tag = data.pop("tag")
    unknown = set(data) - _LISTS
    if unknown:
        raise ValueError(f"{name}: unknown lists {', '.join(sorted(unknown))}")
    return Language(tag=tag, **{key: frozenset(data[key]) for key in data})


def _load() -> tuple[Language, ...]:
    folder = files("chamado.parsers") / "languages"
    entries = sorted(folder.iterdir(), key=lambda one: one.name)
    return tuple(
        _language(entry.name, entry.read_text("utf-8"))
        for entry in entries
        if entry.name.endswith(".toml")
    )


LANGUAGES = _load()


def every(list_name: str) -> frozenset[str]:
    """Return the entries of one list over all languages."""
    found: Iterable[frozenset[str]] = (getattr(one, list_name) for one in LANGUAGES)
    return frozenset().union(*found)
