"""Calendar invitations (RFC 5545, RFC 5546): what, when, where, who asks.

Needs the extra `calendar`. Only the handful of lines that say so ever reach a library:
no recurrence and no time zone is expanded, so none can cost anything. Nothing is
accepted or declined, and no alarm rings.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from chamado.parsers.charset import decode
from chamado.parsers.inside import Inside
from chamado.parsers.sanitise import clean_line

TYPE = "text/calendar"
_TYPES = frozenset((TYPE, "application/ics"))
_LARGEST = 1_048_576
_MOST_EVENTS = 3
_MOST_LINES = 200
_TAKEN = frozenset(
    ("method", "summary", "dtstart", "dtend", "location", "organizer", "status")
)
_WHAT = {
    "request": "Invitation",
    "reply": "Answer to an invitation",
    "cancel": "Cancelled",
    "counter": "Another time proposed",
    "publish": "Event",
}


def is_invitation(content_type: str, name: str, content: bytes) -> bool:
    """Tell by the declared type and the first line."""
    if content_type not in _TYPES:
        return False
    return content.lstrip(b"\xef\xbb\xbf\r\n ")[:15].upper() == b"BEGIN:VCALENDAR"


def open_invitation(content: bytes, most: int) -> Inside | None:
    """Return what the invitation says; None without the extra.

    Raises whatever the library raises on what it cannot read.
    """
    try:
        from icalendar import Calendar
    except ImportError:
        return None
    text = decode(content[:_LARGEST], "utf-8")[0]
    calendar: Any = Calendar.from_ical("\r\n".join(_without_cost(text)) + "\r\n")
    method = clean_line(str(calendar.get("METHOD", "")), 20)
    words = ["\n".join(_said(event, method)) for event in calendar.walk("VEVENT")]
    return Inside(words="\n\n".join(words), content_type=TYPE)


def _without_cost(text: str) -> Iterator[str]:
    """Keep the lines of the first events that say what, when, where and who."""
    yield "BEGIN:VCALENDAR"
    inside: list[str] = []
    events = lines = 0
    for line in _unfolded(text):
        name = line.split(":", 1)[0].split(";", 1)[0].strip().lower()
        value = line.rpartition(":")[2].strip().lower()
        if name == "begin":
            inside.append(value)
            events += value == "vevent"
        elif name == "end" and inside:
            inside.pop()
        if events > _MOST_EVENTS or lines >= _MOST_LINES:
            break
        # An alarm lies inside its event and has a summary of its own.
        at_event = inside == ["vcalendar", "vevent"]
        if name == "begin" and at_event:
            yield "BEGIN:VEVENT"
        elif name == "end" and value == "vevent" and inside == ["vcalendar"]:
            yield "END:VEVENT"
        elif (at_event or name == "method") and name in _TAKEN:
            lines += 1
            yield line[:4_000]
    if inside[:2] == ["vcalendar", "vevent"] and events <= _MOST_EVENTS:
        yield "END:VEVENT"
    yield "END:VCALENDAR"


def _unfolded(text: str) -> Iterator[str]:
    """Put folded lines together again (RFC 5545 §3.1), in linear time."""
    pieces: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in (" ", "\t") and pieces:
            pieces.append(line[1:])
            continue
        if pieces:
            yield "".join(pieces)
        pieces = [line]
    yield "".join(pieces)


def _said(event: Any, method: str) -> Iterator[str]:
    what = _WHAT.get(method.lower(), "Event")
    suffix = f" (METHOD {method.upper()})" if method else ""
    yield f"{what}: {_line(event, 'SUMMARY') or '(no title)'}{suffix}"
    when = " – ".join(filter(None, (_time(event, "DTSTART"), _time(event, "DTEND"))))
    for label, value in (
        ("When", when),
        ("Where", _line(event, "LOCATION")),
        ("Organizer", _organizer(event)),
    ):
        if value:
            yield f"{label}: {value}"


def _line(event: Any, name: str) -> str:
    value = event.get(name, "")
    value = value[0] if isinstance(value, list) and value else value
    return clean_line(str(value), 500)


def _time(event: Any, name: str) -> str:
    """Return a time as it was written, with the zone that its sender named."""
    value = event.get(name)
    if value is None or isinstance(value, list):
        return ""
    at = value.dt
    if not isinstance(at, datetime):
        return str(at)
    named = str(value.params.get("TZID", ""))
    zone = named or ("UTC" if at.tzinfo else "")
    return f"{at:%Y-%m-%d %H:%M} {clean_line(zone, 60)}".rstrip()


def _organizer(event: Any) -> str:
    value = event.get("ORGANIZER", "")
    value = value[0] if isinstance(value, list) and value else value
    address = clean_line(str(value), 320)
    if address.lower().startswith("mailto:"):
        address = address[7:]
    name = clean_line(str(getattr(value, "params", {}).get("CN", "")), 200)
    return f"{name} <{address}>" if name and address else name or address
