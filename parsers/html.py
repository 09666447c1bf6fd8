"""HTML bodies: capped and measured first, then cleaned, then turned into text.

The sanitiser is quadratic in nesting and in attributes, so a linear scan refuses such
input before it sees it; that is then shown as text without layout. No element that
could run, load or hide anything survives the cleaning, and no image is ever fetched.
"""

import re
from html import unescape

import nh3

from chamado.parsers.htmltext import html_to_text
from chamado.parsers.marks import mark_quotes, marked_lines, unmark
from chamado.parsers.sanitise import clean_text
from chamado.parsers.types import ParseLimits

_TAG_NAMES = (
    "a abbr acronym address article aside b bdi bdo big blockquote br caption center "
    "cite code col colgroup dd del details dfn div dl dt em figcaption figure font "
    "footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main map mark nav ol p pre q "
    "s samp section small span strike strong sub summary sup table tbody td tfoot th "
    "thead time tr tt u ul var wbr"
)
TAGS = frozenset(_TAG_NAMES.split())
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "table": {"border", "cellpadding", "cellspacing", "align"},
    "ol": {"start", "type"},
    "blockquote": {"type"},
    "font": {"color"},
}
_DROPPED = {
    "script",
    "style",
    "head",
    "title",
    "svg",
    "math",
    "noscript",
    "template",
    "textarea",
    "iframe",
    "object",
    "select",
}
# What closes itself in HTML never nests, however often it is opened.
_FLAT_NAMES = (
    "area base br col embed hr img input link meta param source track wbr p li td th "
    "tr dt dd option thead tbody tfoot colgroup"
)
_FLAT = frozenset(
    spelling
    for name in _FLAT_NAMES.split()
    for tag in (f"<{name}", f"</{name}")
    for spelling in (tag, tag.upper(), tag.title())
)
_TAG = re.compile(r"</?[a-zA-Z][^\s/>]{0,40}")
_LONGEST_TAG = 32_768
_LONG_TAG = re.compile(rf"<[^<>]{{{_LONGEST_TAG}}}")
_MOST_ODD = 2_000
# The parser is quadratic in the character references of one text.
_MOST_REFERENCES = 100_000
_TAG_OR_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<[^<>]*>?", re.DOTALL)
_HIDDEN = re.compile(
    r"<(script|style|head|title)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
_BREAK = re.compile(
    r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/blockquote|hr)\b[^<>]*>", re.IGNORECASE
)
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_INVISIBLE = re.compile("[\u200b\ufeff\u00ad]")


def too_much(html: str, limits: ParseLimits) -> str | None:
    """Say in words why a library must not see this HTML; None when it may."""
    if len(html) > limits.html_bytes:
        return f"limit: html longer than {limits.html_bytes} characters"
    if html.count("&") > _MOST_REFERENCES:
        return "limit: html with too many character references"
    if html.count("<!") + html.count("<?") > _MOST_ODD:
        return "limit: html with too many comments"
    if _LONG_TAG.search(html):
        return f"limit: html tag longer than {_LONGEST_TAG} characters"
    depth = 0
    for tag in [tag for tag in _TAG.findall(html) if tag not in _FLAT]:
        if tag[1] != "/":
            depth += 1
            if depth > limits.html_depth:
                return f"limit: html nested deeper than {limits.html_depth}"
        elif depth:
            depth -= 1
    return None


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Keep only links that lead somewhere safe and images that came with the mail."""
    if name == "src":
        return value if value[:4].lower() == "cid:" else None
    if name == "href":
        return value if not value.startswith(("//", "/", "#", "?")) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags=_DROPPED,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto", "cid", "tel"},
    link_rel="noopener noreferrer nofollow",
)


def clean_html(html: str) -> str:
    """Sanitise HTML that `too_much` let pass."""
    # An image that may not be fetched leaves nothing behind.
    return _CLEANER.clean(html).replace("<img>", "")


def crude_text(html: str) -> str:
    """Return the words of any HTML in linear time, without layout."""
    html = _HIDDEN.sub(" ", html)
    text = _TAG_OR_COMMENT.sub("", _BREAK.sub("\n", html))
    return tidy(unescape(text))


def tidy(text: str) -> str:
    """Trim line ends, drop invisible characters, allow one empty line at a time."""
    text = _INVISIBLE.sub("", clean_text(text)).replace("\u00a0", " ")
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def read_html(source: str) -> tuple[str, str, list[str]]:
    """Clean HTML that `too_much` let pass.

    Returns the sanitised HTML, its text, and the lines of that text with marks in front
    of those that the mail program shows as quoted (see `marks`).
    """
    marked = clean_html(mark_quotes(source))
    text = tidy(html_to_text(marked, tight="MsoNormal" in source))
    lines = marked_lines(text)
    return unmark(marked), "\n".join(map(unmark, lines)), lines
