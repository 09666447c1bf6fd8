"""Sanitised HTML to text: every word once, in order, with the line breaks one sees.

Reads only what `nh3` wrote (balanced, escaped, no scripts or styles), token by token,
so it is linear, knows no depth limit and cannot lose the tail of a message as
tree-based converters do. Layout beyond lines, lists and cells is left to the HTML.
"""

import re
from html import unescape

_TOKEN = re.compile(r"<(/?)([a-z0-9]+)((?:[^<>\"]|\"[^\"]*\")*)>")
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_ALT = re.compile(r'\balt="([^"]{1,16})"')
_PARAGRAPH_NAMES = "p h1 h2 h3 h4 h5 h6 blockquote pre table ul ol dl"
_BLOCK_NAMES = (
    "div section article aside header footer main nav address figure figcaption center "
    "details summary caption tr dt dd"
)
_PARAGRAPHS = frozenset(_PARAGRAPH_NAMES.split())
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CELLS = frozenset(("td", "th"))


class _Writer:
    """Collects lines; white space collapses as in a browser."""

    def __init__(self, tight: bool) -> None:
        self.out: list[str] = []
        self.tight = tight
        self.pre = 0
        # Line breaks owed before the next word, and whether a blank is.
        self.breaks = 0
        self.blank = False
        self.lists: list[int] = []
        self.started = False

    def line(self, breaks: int = 1) -> None:
        """Let the next word stand on a new line, `breaks` further down."""
        self.breaks = max(self.breaks, breaks)
        self.blank = False

    def newline(self) -> None:
        """Break the line here, once more for each call (`<br>`)."""
        self.breaks = min(self.breaks + 1, 3)
        self.blank = False

    def word(self, text: str) -> None:
        """Write text that is not to be collapsed any further."""
        if self.started:
            if self.breaks:
                self.out.append("\n" * self.breaks)
            elif self.blank:
                self.out.append(" ")
        self.breaks, self.blank = 0, False
        self.started = True
        self.out.append(text)

    def text(self, raw: str) -> None:
        """Write a run of text."""
        text = unescape(raw) if "&" in raw else raw
        if self.pre:
            self.word(text)
            return
        collapsed = _BLANKS.sub(" ", text)
        bare = collapsed.strip(" ")
        if not bare:
            self.blank = self.blank or (bool(collapsed) and not self.breaks)
            return
        if collapsed[0] == " " and not self.breaks:
            self.blank = True
        self.word(bare)
        self.blank = collapsed[-1] == " "

    def tag(self, name: str, closing: bool, attributes: str) -> None:
        """Take a tag for what it does to lines."""
        if name == "br":
            self.newline()
        elif name in _PARAGRAPHS:
            self._paragraph(name, closing)
        elif name in _BLOCKS:
            self.line()
        elif name == "li":
            self.line()
            if not closing:
                self._item()
        elif name in _CELLS:
            if closing and self.started and not self.breaks:
                # Two blanks between the cells of a row.
                self.out.append(" ")
                self.blank = True
        elif name == "hr":
            self.line()
            self.word("----------")
            self.line()
        elif name == "img":
            alt = _ALT.search(attributes)
            if alt and not alt[1].isascii() and not _has_letters(alt[1]):
                self.text(alt[1])

    def _paragraph(self, name: str, closing: bool) -> None:
        if name in ("ul", "ol"):
            if not closing:
                self.lists.append(0 if name == "ol" else -1)
            elif self.lists:
                self.lists.pop()
            self.line(1 if self.lists else 2)
            return
        if name == "pre":
            self.pre = max(0, self.pre + (-1 if closing else 1))
        self.line(1 if self.tight and name == "p" else 2)

    def _item(self) -> None:
        mark = "* "
        if self.lists and self.lists[-1] >= 0:
            self.lists[-1] += 1
            mark = f"{self.lists[-1]}. "
        self.word("  " * max(0, len(self.lists) - 1) + mark)


def _has_letters(text: str) -> bool:
    return any(char.isalpha() for char in text)


def html_to_text(cleaned: str, *, tight: bool = False) -> str:
    """Return the text of sanitised HTML.

    `tight` sets paragraphs without an empty line between them: Outlook writes every
    line as a paragraph.
    """
    writer = _Writer(tight)
    done = 0
    for found in _TOKEN.finditer(cleaned):
        if found.start() > done:
            writer.text(cleaned[done : found.start()])
        writer.tag(found[2], bool(found[1]), found[3])
        done = found.end()
    writer.text(cleaned[done:])
    return "".join(writer.out)
