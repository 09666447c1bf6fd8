"""Which leaves are the body and which are files (RFC 8621 §4.1.4), and their text.

`text` is the whole body for people: every readable leaf in order, HTML turned into
text where no plain text says the same. `html` is sanitised and only there when the
message has HTML. What is read as body is not listed as a file as well, and the other
way round; nothing is left out of both.
"""

import re
from dataclasses import dataclass, field
from html import escape

from chamado.parsers.charset import decode
from chamado.parsers.flowed import unflow
from chamado.parsers.html import clean_html, crude_text, html_text, too_much
from chamado.parsers.mime import Part
from chamado.parsers.sanitise import clean_text
from chamado.parsers.transfer import split_uu
from chamado.parsers.types import ParseLimits

_READABLE = frozenset(
    ("text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown")
)
_PLAIN = frozenset(_READABLE - {"text/html"})
# Other renderings of what an alternative says anyway; no person misses them.
_MACHINE_VIEWS = frozenset(("text/x-amp-html", "text/watch-html"))
_META_CHARSET = re.compile(
    rb"<(?:meta|\?xml)[^<>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*"
    rb"([A-Za-z0-9_:.-]{2,40})",
    re.IGNORECASE,
)
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
    # The decoded HTML as it came, for the questions that need its structure.
    source: str = ""
    from_html: bool = False


def _is_inline(part: Part, index: int, parent: str) -> bool:
    if part.disposition.value == "attachment" or part.content_type not in _READABLE:
        return False
    return index == 0 or (parent != "multipart/related" and not part.name)


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
    for index, part in enumerate(parts):
        if part.multipart:
            inside = alternative or part.content_type == "multipart/alternative"
            _place(part.children, part.content_type, inside, text, html, out)
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
    return out


class _Reader:
    """Decodes each leaf once, however many views it is in."""

    def __init__(self, raw: bytes, limits: ParseLimits, plain_only: bool) -> None:
        self.raw = raw
        self.limits = limits
        self.plain_only = plain_only
        self.body = Body()
        self._source: dict[int, str] = {}
        self._clean: dict[int, str | None] = {}
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
            content, files = split_uu(content)
            self.body.files.extend(files)
        if len(content) > 4 * self.limits.text_chars:
            content = content[: 4 * self.limits.text_chars]
            self.body.defects.append(f"text cut at {len(content)} bytes")
        text, defect = decode(content, label)
        if defect:
            self.body.defects.append(defect)
        text = clean_text(text)
        flowed = part.params.get("format", "").lower() == "flowed"
        if flowed and part.content_type != "text/html":
            text = unflow(text, part.params.get("delsp", "").lower() == "yes")
        return text

    def clean(self, part: Part) -> str | None:
        """Return the sanitised HTML of a leaf, None where it cannot be shown."""
        if id(part) not in self._clean:
            source = self.source(part)
            reason = too_much(source, self.limits)
            if reason:
                self.body.defects.append(reason)
            self._clean[id(part)] = None if reason else clean_html(source)
        return self._clean[id(part)]

    def text(self, part: Part) -> str:
        """Return the words of a leaf for people."""
        if id(part) not in self._text:
            self._text[id(part)] = self._as_text(part)
        return self._text[id(part)]

    def _as_text(self, part: Part) -> str:
        source = self.source(part)
        if part.content_type in ("text/enriched", "text/richtext"):
            return _ENRICHED.sub(lambda m: "<" if m[1] == "<" else "", source)
        if part.content_type != "text/html":
            return source
        if self.plain_only:
            return crude_text(source)
        cleaned = self.clean(part)
        return crude_text(source) if cleaned is None else html_text(cleaned)

    def view(self, part: Part) -> str | None:
        """Return a leaf for the HTML view; plain text keeps its line ends."""
        if part.content_type == "text/html":
            return self.clean(part)
        return f"<pre>{escape(self.text(part), quote=False)}</pre>"


def read_body(
    layout: Layout, raw: bytes, limits: ParseLimits, plain_only: bool = False
) -> Body:
    """Read the body of a message; `plain_only` keeps every HTML library out."""
    reader = _Reader(raw, limits, plain_only)
    body = reader.body
    texts = [reader.text(part) for part in layout.text]
    if not any(text.strip() for text in texts):
        # An empty plain view beside a full HTML one is a sender's oversight.
        texts += [reader.text(p) for p in layout.html if p not in layout.text]
    body.text = "\n".join(text.rstrip("\n") + "\n" for text in texts if text.strip())
    if len(body.text) > limits.text_chars:
        body.text = body.text[: limits.text_chars]
        body.defects.append(f"text cut at {limits.text_chars} characters")
    markup = [p for p in layout.html if p.content_type == "text/html"]
    body.source = "\n".join(reader.source(part) for part in markup)
    body.from_html = bool(markup) and not any(
        part.content_type in _PLAIN and reader.text(part).strip()
        for part in layout.text
    )
    if not plain_only and any(p.content_type == "text/html" for p in layout.html):
        views = [reader.view(part) for part in layout.html]
        shown = [view for view in views if view and view.strip()]
        body.html = "\n".join(shown) if shown and None not in views else None
    return body
