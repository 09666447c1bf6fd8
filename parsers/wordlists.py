"""The word lists of the languages: one TOML file each, read once.

Adding a language to quote splitting, automatic-reply subjects and language voting is
copying a file in `languages/`; no code knows a language by name.
"""

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One word list; every entry lower-case unless it says otherwise."""

    tag: str
    words: frozenset[str] = frozenset()


def _load() -> tuple[Language, ...]:
    known = {f.name for f in fields(Language)}
    out = []
    folder = files("chamado.parsers") / "languages"
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if not entry.name.endswith(".toml"):
            continue
        data = tomllib.loads(entry.read_text("utf-8"))
        unknown = set(data) - known
        if unknown:
            raise ValueError(f"{entry.name}: unknown keys {sorted(unknown)}")
        out.append(Language(tag=data["tag"], words=frozenset(data.get("words", ()))))
    return tuple(out)


LANGUAGES = _load()
