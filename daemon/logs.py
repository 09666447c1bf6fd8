"""How events are written: one event is one line on stderr, whatever is in it.

Values come from mail and from strangers. Whatever could end a line, move a cursor or
turn text around is escaped; what looks like a secret is masked; bytes are counted and
never shown; an exception shows its type and its way, not its text, because texts of
exceptions quote what they choked on. Nothing here raises: a full disk under the
journal must not stop mail.
"""

import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TextIO

import structlog
from pydantic import SecretStr

from chamado.config.settings import Log

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# What journald and syslog call the same levels (sd-daemon(3)).
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

# Libraries that tell too much below these levels: aiosmtpd logs every line of DATA,
# imapclient the conversation, SQLAlchemy the parameters, APScheduler every tick.
FLOORS = {
    "mail.log": logging.INFO,
    "imapclient": logging.INFO,
    "asyncio": logging.INFO,
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}

MASK = "***"
LONGEST = 500
DEEPEST = 4
_SECRET_KEY = re.compile(
    r"(^|[_.-])(pass(word|wd|phrase)?|secret|token|credentials?|authorization|cookie"
    r"|api_?key|private_?key|dsn)s?($|[_.-])",
    re.IGNORECASE,
)
# The password in scheme://user:password@host, wherever it turns up.
_USERINFO = re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+(?=@)")
# json.dumps leaves these alone: DEL and C1, the Unicode line ends, what turns the
# direction of text, and halves of surrogate pairs, which no stream can write.
_ODD = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]")
_JSON = json.JSONEncoder(ensure_ascii=False)
_BARE = re.compile(r"[A-Za-z0-9_.:/@+-]+", re.ASCII)

Event = MutableMapping[str, object]
Renderer = Callable[[object, str, Event], str]


def configure(settings: Log, environ: Mapping[str, str], stream: TextIO) -> None:
    """Send all events of the process, ours and the libraries', to one stream."""
    level = LEVELS[settings.level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            harmless,
            _renderer(settings, environ, stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: Lines(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [Bridge()]
    root.setLevel(level)
    for name, floor in FLOORS.items():
        logging.getLogger(name).setLevel(max(level, floor))
    logging.captureWarnings(True)


def _renderer(settings: Log, environ: Mapping[str, str], stream: TextIO) -> Renderer:
    shape = settings.format
    if shape == "auto":
        shape = "journal" if is_journal(environ, stream) else "human"
    return {"journal": journal_line, "json": json_line, "human": human_line}[shape]


def is_journal(environ: Mapping[str, str], stream: TextIO) -> bool:
    """Tell whether the stream leads to the journal (systemd.exec(5), JOURNAL_STREAM).

    The variable alone does not tell: terminals of a desktop session inherit it.
    """
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Lines:
    """Writes lines to a stream, and does without when the stream is gone."""

    def __init__(self, stream: TextIO) -> None:
        """Write to this stream."""
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line in one go, so that lines of threads do not mix."""
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except UnicodeEncodeError:
            self.msg(line.encode("ascii", "backslashreplace").decode("ascii"))
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = msg


class Bridge(logging.Handler):
    """Turns what libraries log into events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record under its logger's name."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        # A library may have levels of its own; ours are five.
        level = max((n for n in LEVELS.values() if n <= record.levelno), default=10)
        log = structlog.get_logger()
        log.log(level, text, logger=record.name, exc_info=record.exc_info)


def harmless(logger: object, method: str, event: Event) -> Event:
    """Replace what must not be written: secrets, bytes, texts of exceptions."""
    failure = _failure(event.pop("exc_info", None))
    for key in list(event):
        event[key] = _shown(key, event[key])
    if failure is not None:
        event["exception"] = _types(failure)
        event["trace"] = _way(failure)
    return event


def _failure(exc_info: object) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as failure, _):
            return failure
        case True:
            return sys.exc_info()[1]
        case _:
            return None


def _types(failure: BaseException, depth: int = 0) -> str:
    """Name the exception and its causes; of the system's errors also the reason."""
    name = type(failure).__name__
    if isinstance(failure, OSError) and failure.errno:
        name += f" ({os.strerror(failure.errno)})"
    silent = failure.__suppress_context__ or depth == DEEPEST
    cause = failure.__cause__ or (None if silent else failure.__context__)
    return f"{name} from {_types(cause, depth + 1)}" if cause else name


def _way(failure: BaseException) -> str:
    frames = traceback.extract_tb(failure.__traceback__)[-12:]
    steps = (f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno}" for f in frames)
    return " > ".join(steps)


def _shown(key: str, value: object, depth: int = 0) -> object:
    match value:
        case None | bool() | int() | float() if not isinstance(value, Enum):
            return value
        case SecretStr():
            return MASK
        case _ if _is_secret(key):
            return MASK
        case Enum():
            return _shown(key, value.value, depth)
        case str() | Path():
            return _cut(_without_password(str(value)))
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case datetime():
            return value.isoformat()
        case Mapping() if depth < DEEPEST:
            return {
                _cut(str(k)): _shown(str(k), v, depth + 1) for k, v in value.items()
            }
        case tuple() | list() | set() | frozenset() if depth < DEEPEST:
            return [_shown(key, item, depth + 1) for item in value]
        case _:
            # A repr could hold a whole mail.
            return f"<{type(value).__name__}>"


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return bool(_SECRET_KEY.search(key))


def _without_password(text: str) -> str:
    return _USERINFO.sub(rf"\1{MASK}", text) if "://" in text else text


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _quoted(value: object) -> str:
    """Return JSON in which nothing can end a line or steer a terminal."""
    text = _JSON.encode(value)
    if text.isascii() and "\x7f" not in text:
        return text
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _pairs(event: Event) -> str:
    return " ".join(
        f"{key}={value if _is_bare(value) else _quoted(value)}"
        for key, value in event.items()
    )


def _is_bare(value: object) -> bool:
    return isinstance(value, str) and bool(_BARE.fullmatch(value))


def journal_line(logger: object, method: str, event: Event) -> str:
    """Write `<priority>event=name key=value …`; the journal adds time and process."""
    level = str(event.pop("level"))
    name = event.pop("event")
    return f"<{PRIORITIES[level]}>{_pairs({'event': name, **event})}"


def json_line(logger: object, method: str, event: Event) -> str:
    """Write one JSON object with time (RFC 3339, UTC), level and event first."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"time": now, "level": event.pop("level"), "event": event.pop("event")}
    return _quoted(head | dict(event))


def human_line(logger: object, method: str, event: Event) -> str:
    """Write local time, level, event and its facts for somebody who watches."""
    level, name = str(event.pop("level")), event.pop("event")
    words = _quoted(name)[1:-1].replace('\\"', '"')
    return f"{time.strftime('%H:%M:%S')} {level:7} {words} {_pairs(event)}".rstrip()
