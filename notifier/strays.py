"""Files in an operator's folder of templates that no letter will ever be made of.

A misspelt name costs nothing but the operator's words: ours go out, and nobody is told.
Files that a template includes count as used; nothing is said where a template chooses
at the time of writing what it includes. Reads three levels of folders, never more.
"""

import contextlib
import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from jinja2 import BaseLoader, DictLoader, TemplateError, meta

from chamado.notifier.forms import LAYOUT, OURS, PARTS
from chamado.notifier.sandbox import Workshop
from chamado.notifier.types import LetterKind

#: A folder that was named by mistake may hold anything.
LOOKED_AT = 1000
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*")
_KINDS = tuple(kind.value for kind in LetterKind)
_LEVELS = ("*", "*/*", "*/*/*")


def strays(folder: Path) -> list[tuple[str, str]]:
    """Return each file that is never used, and the known name nearest to it or ""."""
    files = list(islice(_files(folder), LOOKED_AT))
    names = [file.relative_to(folder).as_posix() for file in files]
    odd = [name for name in names if not _is_known(name)]
    used = set(chain.from_iterable(map(_included, files))) if odd else set()
    if None in used:
        return []
    return [(name, _nearest(name)) for name in sorted(odd) if name not in used]


def _files(folder: Path) -> Iterator[Path]:
    for level in _LEVELS:
        for file in folder.glob(level):
            hidden = any(p.startswith(".") for p in file.relative_to(folder).parts)
            with contextlib.suppress(OSError):
                if not hidden and file.is_file():
                    yield file


def _is_known(name: str) -> bool:
    match name.split("/"):
        case [single]:
            return single == LAYOUT
        case [language, kind, part]:
            return bool(_TAG.fullmatch(language)) and kind in _KINDS and part in PARTS
        case _:
            return False


def _nearest(name: str) -> str:
    known = [LAYOUT]
    if len(steps := name.split("/")) == 3:
        languages = sorted(one.name for one in OURS.iterdir() if one.is_dir())
        language, kind, part = steps
        if not _TAG.fullmatch(language):
            language = _closest(language, languages)
        words = (language, _closest(kind, _KINDS), _closest(part, PARTS))
        known = ["/".join(words)]
    meant = _closest(name, known)
    return meant if _is_known(meant) else ""


def _closest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return close[0] if close else word


def _included(file: Path) -> set[str | None]:
    """Name what a template includes; None where that is chosen later."""
    nothing: BaseLoader = DictLoader({})
    try:
        tree = Workshop(nothing).parse(file.read_text("utf-8"))
    except (TemplateError, OSError, UnicodeError, RecursionError):
        # What is broken is told elsewhere.
        return set()
    return set(meta.find_referenced_templates(tree))
