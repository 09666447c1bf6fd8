"""Quoted history in HTML, found by what mail programs write around it.

One linear pass over the tags puts a private character where a quote opens and closes;
the characters survive cleaning and conversion and end up at the front of each quoted
line of the text, where the reply splitter finds them. They never leave this wing.
"""

import re

STRONG, WEAK = "\ue0f0", "\ue0f1"
_CLOSE = "\ue0f2"
ANY = STRONG + WEAK + _CLOSE

_TAG = re.compile(
    r"<(/?)(blockquote|div|hr|span|table|section|p)\b([^<>]{0,2000})>", re.I
)
# Containers of a quote, by class, id or type; web mail puts letters before the names.
_CONTAINER = re.compile(
    r"gmail_quote|gmail_attr|yahoo_quoted|moz-cite-prefix|moz-email-headers-table"
    r"|protonmail_quote|tutanota_quote|zmail_extra|zm_\w+_parse_quote|olk_src_body"
    r"|outlook-mobile-reference-message|mail-editor-reference-message|applemailquote"
    r"|isforwardcontent|isreplycontent|replysplit|outlookmessageheader|reply-intro"
    r"|type\s*=\s*[\"']?cite|cite\s*=\s*[\"']?mid:|__quoted_text__|msg-quote"
    r"|class\s*=\s*[\"']?(?:cite|quote|mail_quote|elided-text)\b|ntes_quote",
    re.I,
)
# From here to the end of the message all is history.
_REST = re.compile(
    r"divrplyfwdmsg|appendonsend|stopspelling|__divider__|zwchr|origbody"
    r"|border:\s?none;\s?border-top:\s?solid\s#(?:e1e1e1|b5c4df)"
    r"|border-top-color:\s?rgb\((?:229,\s?229,\s?229|181,\s?196,\s?223)\)"
    r"|tabindex=[\"']?-1[\"']?[^<>]{0,60}width:\s?98%",
    re.I,
)


def unmark(text: str) -> str:
    """Return text without marks."""
    for mark in ANY:
        if mark in text:
            text = text.replace(mark, "")
    return text


def mark_quotes(html: str) -> str:
    """Return HTML with marks where quoted history opens and closes."""
    if any(mark in html for mark in ANY):
        html = unmark(html)
    out: list[str] = []
    done = 0
    # Per kind of element: how many are open, and at which counts a quote opened.
    depth: dict[str, int] = {}
    quotes: dict[str, list[int]] = {}
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if found[1]:
            if quotes.get(name) and quotes[name][-1] == depth.get(name):
                quotes[name].pop()
                out += (html[done : found.start()], _CLOSE)
                done = found.start()
            depth[name] = max(0, depth.get(name, 0) - 1)
            continue
        if name != "hr":
            depth[name] = depth.get(name, 0) + 1
        attributes = found[3]
        if attributes and _REST.search(attributes):
            out += (html[done : found.start()], STRONG)
            done = found.start()
            continue
        mark = _opening(name, attributes)
        if mark and name != "hr":
            quotes.setdefault(name, []).append(depth[name])
            out += (html[done : found.end()], mark)
            done = found.end()
    out.append(html[done:])
    return "".join(out)


def _opening(name: str, attributes: str) -> str:
    if attributes and _CONTAINER.search(attributes):
        return STRONG
    if name == "blockquote":
        return STRONG if "border-left" in attributes.lower() else WEAK
    return ""


def marked_lines(text: str) -> list[str]:
    """Return the lines of a text, each quoted one with its mark in front."""
    for mark in ANY:
        text = text.replace(mark, f"\n{mark}\n")
    out: list[str] = []
    level: list[str] = []
    for line in text.split("\n"):
        bare = line.strip()
        if bare == _CLOSE:
            if level:
                level.pop()
        elif bare in (STRONG, WEAK) and bare:
            level.append(bare)
        elif bare or (out and unmark(out[-1])):
            mark = (STRONG if STRONG in level else level[-1]) if level else ""
            out.append(mark + line.rstrip())
    while out and not unmark(out[-1]):
        out.pop()
    return out
