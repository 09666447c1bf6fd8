"""Events become lines: one each, harmless in a terminal, and without secrets."""

import io
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from chamado.config.settings import Log
from chamado.daemon.logs import FLOORS, Lines, configure, is_journal

SHAPES = ("human", "journal", "json")
NASTY = (
    "x\n2026-01-01 CRITICAL root logged in\r\x1b[31mred"
    "\x85\u2028\u2029\x00\x9b\u202e\udcff"
)
log = structlog.get_logger()


@pytest.fixture
def writing() -> Iterator[Callable[..., io.StringIO]]:
    """Send events to a buffer; afterwards logging is as it was."""
    root, levels = logging.getLogger(), {n: logging.getLogger(n).level for n in FLOORS}
    handlers, level = root.handlers[:], root.level

    def start(**settings: object) -> io.StringIO:
        stream = io.StringIO()
        configure(Log.model_validate(settings), {}, stream)
        return stream

    yield start
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.mark.parametrize("shape", SHAPES)
def test_d04_values_from_mail_stay_on_one_escaped_line(
    writing: Callable[..., io.StringIO], shape: str
) -> None:
    """D-04: line ends, colours, separators and half characters are shown, never
    obeyed."""
    stream = writing(format=shape)
    log.info("accepted", subject=NASTY, nested={"a": [NASTY]})
    log.info(NASTY)
    logging.getLogger("library").warning("said %s", NASTY)
    text = stream.getvalue()
    assert text.count("\n") == 3
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", text
    )
    text.encode("utf-8")
    assert r"\u001b[31m" in text


def test_json_lines_are_documents_with_their_time(
    writing: Callable[..., io.StringIO],
) -> None:
    """Each line parses by itself, and the value comes out as it went in."""
    stream = writing(format="json")
    log.warning("mailbox lost", mailbox="m", attempts=3, subject="ção\n")
    event = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("time"))
    assert event == {
        "level": "warning",
        "event": "mailbox lost",
        "mailbox": "m",
        "attempts": 3,
        "subject": "ção\n",
    }


@pytest.mark.parametrize(
    ("level", "priority"),
    [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)],
)
def test_journal_lines_carry_the_priority(
    writing: Callable[..., io.StringIO], level: str, priority: int
) -> None:
    """The journal sorts by the number in front; words need no quotes, texts do."""
    stream = writing(format="journal", level="debug")
    getattr(log, level)("accepted", inbox_id=7, source="imap:m", subject='a "b"')
    assert stream.getvalue() == (
        f"<{priority}>event=accepted inbox_id=7 source=imap:m "
        'subject="a \\"b\\"" '.rstrip()
        + "\n"
    )


def test_human_lines_begin_with_the_time_of_day(
    writing: Callable[..., io.StringIO],
) -> None:
    """Somebody who watches sees when, how bad, what, and the facts."""
    stream = writing(format="human")
    log.info("listening", on="127.0.0.1:2525")
    line = stream.getvalue()
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    listening on=127.0.0.1:2525\n", line)


@pytest.mark.parametrize("shape", SHAPES)
def test_r09_a_canary_secret_reaches_no_line(
    writing: Callable[..., io.StringIO], shape: str
) -> None:
    """R-09: under telling keys, in URLs, in secrets' types, in exceptions, in
    objects."""

    @dataclass
    class Mail:
        content: str

    stream = writing(format=shape, level="debug")
    canary = "canary-7f3a"
    log.debug(
        "login",
        password=canary,
        imap_password=canary,
        access_token=canary,
        Authorization=canary,
        headers={"Cookie": canary, "api_key": [canary]},
        anything=SecretStr(canary),
        url=f"postgresql://chamado:{canary}@db/chamado",
        raw=canary.encode(),
        mail=Mail(content=canary),
    )
    try:
        raise ConnectionError(111, canary) from ValueError(canary)
    except ConnectionError:
        log.exception("connect failed")
        logging.getLogger("driver").exception("connect failed")
    assert canary not in stream.getvalue()
    assert "postgresql://chamado:***@db/chamado" in stream.getvalue()
    assert "ConnectionError (Connection refused) from ValueError" in (stream.getvalue())


def test_an_exception_shows_its_way_through_the_code(
    writing: Callable[..., io.StringIO],
) -> None:
    """File and line of every step are there to find the fault, on the same line."""
    stream = writing(format="journal")
    try:
        int("x")
    except ValueError as failure:
        log.error("broken", exc_info=failure)
    assert re.search(
        r"exception=ValueError trace=unit/test_logs\.py:\d+\n$", stream.getvalue()
    )


def test_d05_libraries_cannot_log_bodies(writing: Callable[..., io.StringIO]) -> None:
    """D-05: at our lowest level the door's DATA lines and SQL parameters stay
    unwritten."""
    stream = writing(level="debug")
    for name in FLOORS:
        logging.getLogger(name).debug("canary")
    logging.getLogger("sqlalchemy.engine.Engine").info("canary")
    assert stream.getvalue() == ""
    logging.getLogger("mail.log").info("session opened")
    assert "session opened logger=mail.log" in stream.getvalue()


def test_levels_below_the_configured_one_are_silent(
    writing: Callable[..., io.StringIO],
) -> None:
    """`level = "error"` holds for our events and for those of libraries."""
    stream = writing(level="error")
    log.warning("w")
    logging.getLogger("library").warning("w")
    logging.getLogger("mail.log").warning("w")
    assert stream.getvalue() == ""
    logging.getLogger("library").log(45, "odd level %d", "no number")
    assert "odd level %d" in stream.getvalue()


def test_warnings_of_libraries_become_events(
    writing: Callable[..., io.StringIO],
) -> None:
    """A deprecation in production is a line, not loose text on stderr."""
    stream = writing(format="journal")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # Inside catch_warnings the hook has to be set once more.
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert stream.getvalue().startswith("<4>event=")
    assert stream.getvalue().count("\n") == 1


class Colour(StrEnum):
    """A closed choice, as settings have them."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (Colour.RED, "red"),
        (Path("/a b"), '"/a b"'),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (("a", 1), '["a", 1]'),
        (object(), '"<object>"'),
        ([[[[[1]]]]], '[[[["<list>"]]]]'),
        ("x" * 600, "x" * 500 + "…"),
        ("", '""'),
    ],
)
def test_every_kind_of_value_has_a_plain_form(
    writing: Callable[..., io.StringIO], value: object, shown: str
) -> None:
    """Nothing falls back on a repr, which could hold a whole mail."""
    stream = writing(format="journal")
    log.info("e", value=value)
    assert stream.getvalue().strip().partition("value=")[2].strip('"') == shown.strip(
        '"'
    )


def test_a_broken_stream_harms_nobody(writing: Callable[..., io.StringIO]) -> None:
    """When nobody can read the log, work goes on."""
    stream = writing()
    stream.close()
    log.error("unheard")


def test_a_stream_of_another_encoding_gets_escapes() -> None:
    """In the C locale a Portuguese word is escaped, not lost."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Lines(stream).msg("ação")
    assert raw.getvalue() == b"a\\xe7\\xe3o\n"


def test_the_journal_is_known_by_its_stream(tmp_path: Path) -> None:
    """An inherited JOURNAL_STREAM does not put priorities on somebody's terminal."""
    with (tmp_path / "a").open("w") as stream:
        found = os.fstat(stream.fileno())
        ours = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(ours, stream)
        assert not is_journal({"JOURNAL_STREAM": "8:99"}, stream)
        assert not is_journal({}, stream)
    assert not is_journal(ours, io.StringIO())
