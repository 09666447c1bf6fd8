"""The templates on disk, by language and kind: compiled once, when they are needed.

A folder holds `<language>/<kind>/subject.txt`, `body.txt` and `body.html`, and beside
the languages a `layout.html` that they share. An operator's folder of the same shape
replaces ours file by file; what is not in it stays ours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, Template, TemplateError

from chamado.notifier.sandbox import Workshop
from chamado.notifier.types import LetterKind

OURS = Path(__file__).parent / "templates"
LAYOUT = "layout.html"
PARTS = ("subject.txt", "body.txt", "body.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the templates said; `language` is the tag of the folder they came from."""

    language: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The three templates of one kind of letter in one language."""

    language: str
    kind: LetterKind
    workshop: Workshop

    def write(self, words: dict[str, Any]) -> Wording:
        """Fill the form in; raises what a broken template raises."""
        subject, text, html = (
            self.workshop.write(template, words) for template in self.templates()
        )
        return Wording(
            language=self.language,
            subject=subject,
            text=text + "\n",
            html=html + "\n",
        )

    def templates(self) -> list[Template]:
        """Compile the three, the first time; raises what a broken template raises."""
        place = f"{self.language}/{self.kind}"
        return [self.workshop.compiled(f"{place}/{part}") for part in PARTS]


Forms = dict[tuple[str, LetterKind], Form]


@cache
def ours() -> Forms:
    """Find the templates that ship with the product."""
    workshop = Workshop(FileSystemLoader(OURS))
    return {
        (language, kind): Form(language=language, kind=kind, workshop=workshop)
        for language, kind in _kinds(OURS)
    }


def theirs(folder: Path, alarm: Callable[[str, Exception], None]) -> Forms:
    """Load what an operator's folder overrides; a broken form is alarmed and left out.

    A form is overridden when the folder holds any file of it, or a layout of its own.
    """
    if not folder.is_dir():
        alarm(str(folder), NotADirectoryError("there is no such folder"))
    loaders = [FileSystemLoader(folder), FileSystemLoader(OURS)]
    workshop = Workshop(ChoiceLoader(loaders))
    wanted = set(_kinds(folder))
    if (folder / LAYOUT).exists():
        wanted |= set(_kinds(OURS))
    forms: Forms = {}
    for language, kind in sorted(wanted):
        form = Form(language=language, kind=kind, workshop=workshop)
        try:
            form.templates()
            forms[language, kind] = form
        except (TemplateError, OSError, UnicodeError, RecursionError) as error:
            alarm(f"{language}/{kind}", error)
    return forms


def _kinds(folder: Path) -> Iterator[tuple[str, LetterKind]]:
    for kind in LetterKind:
        for place in folder.glob(f"*/{kind}"):
            if any((place / part).exists() for part in PARTS):
                yield place.parent.name, kind
