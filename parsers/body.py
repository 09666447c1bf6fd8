"""Which leaves are the body and which are files (RFC 8621 §4.1.4), and their text.

`text` is the whole body for people: every readable leaf in order, HTML turned into
text where no plain text says the same. `html` is sanitised and only there when the
message has HTML. What is read as body is no file as well, unless its sender named it
as one; nothing is left out of both.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from chamado.parsers.charset import decode
from chamado.parsers.flowed import unflow
from chamado.parsers.html import clean_html, crude_text, read_html, too_much
from chamado.parsers.mime import Part
from chamado.parsers.sanitise import clean_text
from chamado.parsers.transfer import split_uu
from chamado.parsers.types import ParseLimits
from chamado.parsers.yenc import split_yenc

_READABLE = frozenset(("text/plain", "text/html"))
_PLAIN = frozenset(("text/plain",))
# Read where nothing better came; beside plain text or HTML they are files.
_SECOND_BEST = frozenset(("text/enriched", "text/richtext", "text/markdown"))
# Other renderings of what an alternative says anyway; no person misses them.
_MACHINE_VIEWS = frozenset(("text/x-amp-html", "text/watch-html"))
_META_CHARSET = re.compile(
    rb"<(?:meta|\?xml)[^<>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*"
    rb"([A-Za-z0-9_:.-]{2,40})",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
# The part of a text's words that a page has at least which is its other rendering.
_REPEATED = 0.9
# Two line ends: a leaf of no more bytes says nothing.
_BLANK = 4
_ENRICHED = re.compile(r"<(<|/?[A-Za-z-]{1,30}>)")


@dataclass(slots=True)
class Layout:
    """The leaves for the text body, for the HTML body, and the files."""

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Body:
    """The body for people, what lay in its text as files, and what was wrong."""

    text: str = ""
    html: str | None = None
    files: list[tuple[bytes, bytes]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    # The decoded HTML as it came, for what it refers to.
    source: str = ""
    # The lines of the text with marks on quoted ones, where it was made of HTML.
    lines: list[str] = field(default_factory=list)


def _is_inline(part: Part, index: int, parent: str) -> bool:
    if part.disposition.value == "attachment" or part.content_type not in _READABLE:
        return False
    return index == 0 or (parent != "multipart/related" and not part.name)


def _is_plain(parts: list[Part]) -> bool:
    """Tell whether parts say something, and say it without markup."""
    said = any(part.end - part.start > _BLANK for part in parts)
    return said and all(part.content_type in _PLAIN for part in parts)


def _place(
    parts: list[Part],
    parent: str,
    alternative: bool,
    text: list[Part] | None,
    html: list[Part] | None,
    out: Layout,
) -> None:
    """Sort leaves into the two views; a view is None where it must not grow."""
    text_before, html_before = len(text or ()), len(html or ())
    body_ended = False
    for index, part in enumerate(parts):
        if part.multipart:
            inside = alternative or part.content_type == "multipart/alternative"
            before = len(text or ()), len(html or ())
            _place(part.children, part.content_type, inside, text, html, out)
            new = (text or [])[before[0] :], (html or [])[before[1] :]
            body_ended = not alternative and all(map(_is_plain, new))
        elif body_ended and part.content_type == "text/html":
            # A letter in plain text has ended with its part, and no program goes on
            # with one in HTML: a page behind it was enclosed, like a report.
            out.files.append(part)
        elif not _is_inline(part, index, parent):
            if part.content_type not in _MACHINE_VIEWS or part.name:
                out.files.append(part)
        elif parent == "multipart/alternative":
            if part.content_type in _PLAIN:
                if text is not None:
                    text.append(part)
            elif html is not None:
                html.append(part)
        else:
            if alternative and part.content_type in _PLAIN:
                html = None
            elif alternative:
                text = None
            if text is not None:
                text.append(part)
            if html is not None:
                html.append(part)
    if parent == "multipart/alternative" and text is not None and html is not None:
        # One view only was offered here: the other reads the same leaves.
        if len(text) == text_before and len(html) > html_before:
            text.extend(html[html_before:])
        elif len(html) == html_before and len(text) > text_before:
            html.extend(text[text_before:])


def lay_out(root: Part) -> Layout:
    """Sort the leaves of a message into body and files."""
    out = Layout()
    _place([root], "multipart/mixed", False, out.text, out.html, out)
    if not out.text and not out.html:
        out.text = [
            part
            for part in out.files
            if part.content_type in _SECOND_BEST
            and part.disposition.value != "attachment"
        ]
        out.files = [part for part in out.files if part not in out.text]
    # A text file shown inline is part of what was written, and still a file.
    named = [p for p in out.text if p.name and p.content_type == "text/plain"]
    out.files += [part for part in named if part not in out.files]
    return out


class _Reader:
    """Decodes each leaf once, however many views it is in."""

    def __init__(
        self, raw: bytes, limits: ParseLimits, plain_only: bool, room: int
    ) -> None:
        self.raw = raw
        self.limits = limits
        self.plain_only = plain_only
        self.room = room
        self.body = Body()
        self._source: dict[int, str] = {}
        self._clean: dict[int, str | None] = {}
        self.lines: dict[int, list[str]] = {}
        self._text: dict[int, str] = {}

    def source(self, part: Part) -> str:
        """Return the decoded text of a leaf as its sender wrote it."""
        if id(part) not in self._source:
            self._source[id(part)] = self._decode(part)
        return self._source[id(part)]

    def _decode(self, part: Part) -> str:
        decoded = part.decoded(self.raw)
        content = decoded.content
        if decoded.defect:
            self.body.defects.append(decoded.defect)
        label = part.params.get("charset")
        if part.content_type == "text/html":
            if not label:
                meta = _META_CHARSET.search(content[:4096])
                label = meta[1].decode("ascii") if meta else None
        elif b"begin " in content:
            content, files = split_uu(content, self.room - len(self.body.files))
            self.body.files.extend(files)
            if b"=ybegin " in content:
                content, files = split_yenc(content, self.room - len(self.body.files))
                self.body.files.extend(files)
            full = len(self.body.files) >= self.room and b"begin " in content
            if full and (split_uu(content, 1)[1] or split_yenc(content, 1)[1]):
                most = self.limits.attachments
                self.body.defects.append(f"limit: more than {most} attachments")
        if len(content) > 4 * self.limits.text_chars:
            content = content[: 4 * self.limits.text_chars]
            self.body.defects.append(f"limit: text cut at {len(content)} bytes")
        text, defect = decode(content, label)
        if defect:
            self.body.defects.append(defect)
        text = clean_text(text)
        flowed = part.params.get("format", "").lower() == "flowed"
        if flowed and part.content_type != "text/html":
            text = unflow(text, part.params.get("delsp", "").lower() == "yes")
        return text

    def _readable(self, part: Part) -> bool:
        """Tell whether a library may see the HTML of a leaf; notes why not."""
        reason = too_much(self.source(part), self.limits)
        if reason:
            self.body.defects.append(reason)
        return reason is None

    def clean(self, part: Part) -> str | None:
        """Return the sanitised HTML of a leaf, None where it cannot be shown."""
        if id(part) not in self._clean:
            readable = self._readable(part)
            self._clean[id(part)] = clean_html(self.source(part)) if readable else None
        return self._clean[id(part)]

    def text(self, part: Part) -> str:
        """Return the words of a leaf for people."""
        known = self._text.get(id(part))
        if known is None:
            known = self._text[id(part)] = self._as_text(part)
        return known

    def _as_text(self, part: Part) -> str:
        source = self.source(part)
        if part.content_type in ("text/enriched", "text/richtext"):
            return _ENRICHED.sub(lambda m: "<" if m[1] == "<" else "", source)
        if part.content_type != "text/html":
            return source
        if self.plain_only:
            return crude_text(source)
        if not self._readable(part):
            self._clean[id(part)] = None
            return crude_text(source)
        cleaned, text, lines = read_html(source)
        self._clean[id(part)] = cleaned
        self.lines[id(part)] = lines
        return text

    def view(self, part: Part) -> str | None:
        """Return a leaf for the HTML view; plain text keeps its line ends."""
        if part.content_type == "text/html":
            return self.clean(part)
        return f"<pre>{escape(self.text(part), quote=False)}</pre>"


def _twice(parts: list[Part], reader: _Reader) -> dict[int, int]:
    """Find pages that repeat the plain text before them, under any multipart.

    Many scripts say `mixed` where they mean `alternative`. Returns the plain leaf and
    its page, by identity.
    """
    return {
        id(plain): id(page)
        for plain, page in pairwise(parts)
        if (plain.content_type, page.content_type) == ("text/plain", "text/html")
        and _repeats(reader.text(page), reader.text(plain))
    }


def _repeats(page: str, plain: str) -> bool:
    """Tell whether a page has most of a text's words, and none that the text has not:
    whoever reads the text alone must not miss any.
    """
    if not len(plain) / 3 < len(page) < len(plain) * 3:
        return False
    again, words = (Counter(_WORD.findall(text.lower())) for text in (page, plain))
    return 0 < again.total() >= _REPEATED * words.total() and again <= words


def read_body(
    layout: Layout, raw: bytes, limits: ParseLimits, plain_only: bool = False
) -> Body:
    """Read the body of a message; `plain_only` keeps every HTML library out."""
    room = max(0, limits.attachments - len(layout.files))
    reader = _Reader(raw, limits, plain_only, room)
    body = reader.body
    parts = layout.text
    if not any(reader.text(part).strip() for part in parts):
        # An empty plain view beside a full HTML one is a sender's oversight.
        parts = [*parts, *(p for p in layout.html if p not in parts)]
    twice = _twice(parts, reader)
    parts = [part for part in parts if id(part) not in twice.values()]
    texts = [reader.text(part) for part in parts]
    body.text = "\n".join(text.rstrip("\n") + "\n" for text in texts if text.strip())
    if len(body.text) > limits.text_chars:
        body.text = body.text[: limits.text_chars]
        body.defects.append(f"limit: text cut at {limits.text_chars} characters")
    markup = [p for p in layout.html if p.content_type == "text/html"]
    body.source = "\n".join(reader.source(part) for part in markup)
    if reader.lines.keys() & {id(part) for part in parts}:
        for part in parts:
            lines = reader.lines.get(id(part)) or reader.text(part).split("\n")
            body.lines += ["", *lines] if body.lines else lines
    if not plain_only and any(p.content_type == "text/html" for p in layout.html):
        views = [reader.view(p) for p in layout.html if id(p) not in twice]
        shown = [view for view in views if view and view.strip()]
        body.html = "\n".join(shown) if shown and None not in views else None
    return body
