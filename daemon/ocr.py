"""Reading screenshots: the words of a picture, so that a search finds its case.

By the program `tesseract`, if there is one and the configuration says so. It works
through filed cases behind the mail's back and delays none. The program sees strangers'
pictures: it has bounded memory and time, no file to write to, and none of our
environment. A picture that it cannot read is tried once.
"""

import os
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from chamado.config.settings import Ocr
from chamado.daemon.store import pictured
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing, Blobs
from chamado.daemon.store.engine import Store
from chamado.parsers.inside import MOST_WORDS
from chamado.parsers.sanitise import clean_text

log = structlog.get_logger()

PROGRAM = "tesseract"
PAUSE_SECONDS = 5.0
_SLICE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tesseract:
    """The program and the languages that it knows and we want."""

    path: str
    languages: tuple[str, ...]


def find(settings: Ocr) -> Tesseract | None:
    """Return the program, None where it or every wanted language is missing."""
    path = shutil.which(PROGRAM)
    if path is None:
        return None
    try:
        listed = subprocess.run(  # noqa: S603 - found on PATH, no word from mail
            [path, "--list-langs"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=settings.timeout,
            env=_environment(),
            check=True,
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return None
    known = frozenset(listed.split())
    languages = tuple(one for one in settings.languages if one in known)
    return Tesseract(path=path, languages=languages) if languages else None


def read(
    program: Tesseract,
    content: bytes,
    settings: Ocr,
    stop: threading.Event,
    beat: Callable[[], None],
) -> str | None:
    """Return the words of a picture, "" for none; None when told to stop."""
    process = subprocess.Popen(  # noqa: S603 - the picture goes through a pipe
        [program.path, "stdin", "stdout", "-l", "+".join(program.languages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
    )
    try:
        # It waits for the picture, so nothing of it was looked at before this.
        _bound(process.pid, settings)
        said = _said(process, content, settings.timeout, stop, beat)
    finally:
        process.kill()
        process.communicate()
    if said is None:
        return None
    lines = [" ".join(line.split()) for line in said.splitlines()]
    return clean_text("\n".join(line for line in lines if line))[:MOST_WORDS]


def _bound(pid: int, settings: Ocr) -> None:
    seconds = int(settings.timeout) + 1
    for which, most in (
        (resource.RLIMIT_AS, settings.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.prlimit(pid, which, (most, most))


def _said(
    process: "subprocess.Popen[bytes]",
    content: bytes,
    timeout: float,
    stop: threading.Event,
    beat: Callable[[], None],
) -> str | None:
    ends = time.monotonic() + timeout
    given: bytes | None = content
    while time.monotonic() < ends:
        beat()
        if stop.is_set():
            return None
        try:
            out, _ = process.communicate(given, timeout=_SLICE_SECONDS)
        except subprocess.TimeoutExpired:
            # What is left of the picture is still being written.
            given = None
            continue
        except BrokenPipeError:
            return ""
        return out.decode("utf-8", "replace") if process.returncode == 0 else ""
    return ""


def _environment() -> dict[str, str]:
    kept = ("PATH", "TESSDATA_PREFIX", "LD_LIBRARY_PATH")
    known = {name: os.environ[name] for name in kept if name in os.environ}
    # Its threads would take all cores from those who read mail.
    return known | {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C"}


class ScreenshotReader:
    """The job `ocr`: reads what nobody has read yet, the newest picture first."""

    def __init__(
        self, store: Store, blobs: Blobs, program: Tesseract, settings: Ocr
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._program = program
        self._settings = settings

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            beat()
            if not self.turn(stop, beat):
                stop.wait(PAUSE_SECONDS)

    def turn(self, stop: threading.Event, beat: Callable[[], None]) -> int:
        """Read a few pictures; return how many of them have been read for good."""
        with self._store.read() as work:
            waiting: Sequence[pictured.Unread] = pictured.unread(work)
        done = 0
        for picture in waiting:
            words = self._words(picture, stop, beat)
            if words is None:
                break
            with self._store.write() as work:
                pictured.note(work, picture.id, words)
            done += 1
        return done

    def _words(
        self,
        picture: pictured.Unread,
        stop: threading.Event,
        beat: Callable[[], None],
    ) -> str | None:
        if not picture.readable:
            return ""
        try:
            content = picture.content or self._blobs.get(picture.sha256)
        except (BlobMissing, BlobDamaged):
            # `doctor --ledger` is who complains of it.
            return ""
        except OSError as error:
            log.warning("blobs_away", error=type(error).__name__)
            return None
        words = read(self._program, content, self._settings, stop, beat)
        log.debug("screenshot_read", file=picture.id, characters=len(words or ""))
        return words
