"""`doctor`: is this installation well? Looks at everything, changes nothing.

A check is a function in `CHECKS` that yields lines; one that fails in an unexpected way
is a line too, and the others are still asked. What touches the database is asked only
where there is one: looking must not make it.
"""

import os
import platform
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from chamado.config import derive
from chamado.config.doubts import warnings
from chamado.config.files import file_errors, file_warnings
from chamado.config.load import Loaded
from chamado.config.problems import Problem
from chamado.config.settings import Settings
from chamado.config.units import in_bytes
from chamado.daemon import doctor_mail, doctor_store, ocr
from chamado.daemon.checkup import Check, fail, ok, warn
from chamado.notifier.selftest import unsafe_library_behaviour

#: Optional parts: the module that is there when one is installed, and what for.
EXTRAS = {
    "postgres": ("psycopg", "PostgreSQL"),
    "s3": ("obstore", "blobs in S3"),
    "fast": ("uvloop", "a faster event loop"),
    "images": ("PIL", "thumbnails of screenshots"),
    "outlook": ("tnefparse", "opening winmail.dat and .msg files"),
    "calendar": ("icalendar", "summaries of invitations"),
}
#: Free space below this many times the reserve is worth a word.
ROOM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A check and the name under which its own failure is reported."""

    name: str
    ask: Callable[[Loaded], Iterator[Check]]


def examine(loaded: Loaded) -> Iterator[Check]:
    """Ask every check, one after the other."""
    for named in CHECKS:
        try:
            yield from named.ask(loaded)
        except derive.SecretError as error:
            yield fail(named.name, str(error), "correct the file")
        except Exception as error:  # noqa: BLE001  (one check must not silence others)
            kind = type(error).__name__
            yield fail(named.name, f"cannot be looked at ({kind})", "see the log")


def _config(loaded: Loaded) -> Iterator[Check]:
    settings = loaded.settings
    wrong = [_placed(loaded, p) for p in file_errors(settings)]
    doubtful = [*loaded.notes, *warnings(settings), *file_warnings(settings)]
    for problem in wrong:
        yield fail("config", _said(problem), problem.hint or "see the manual")
    for problem in doubtful:
        placed = _placed(loaded, problem)
        yield warn("config", _said(placed), problem.hint or "see the manual")
    if not wrong:
        yield ok("config", str(loaded.path or "embedded default, no file was found"))


def _placed(loaded: Loaded, problem: Problem) -> Problem:
    return problem.at(problem.where or loaded.where(problem.key))


def _said(problem: Problem) -> str:
    return ": ".join(filter(None, (problem.where, problem.key, problem.message)))


def _python(loaded: Loaded) -> Iterator[Check]:
    yield ok("python", f"{platform.python_version()} on {platform.system()}")
    unsafe = unsafe_library_behaviour()
    for words in unsafe:
        yield fail("letters", words, "upgrade Python and the packages of Chamado")
    if not unsafe:
        yield ok("letters", "nothing a stranger writes becomes a header or code")


def _extras(loaded: Loaded) -> Iterator[Check]:
    """What may be missing; without what the settings need they are not even loaded."""
    for extra, (module, purpose) in EXTRAS.items():
        if find_spec(module):
            yield ok(f"extra.{extra}", f"installed, for {purpose}")
        else:
            yield ok(f"extra.{extra}", f"not installed, so without {purpose}")


def _ocr(loaded: Loaded) -> Iterator[Check]:
    settings = loaded.settings.ocr
    if not settings.enabled:
        yield ok("ocr", "screenshots are not read; see [ocr]")
        return
    program = ocr.find(settings)
    if program:
        yield ok("ocr", f"{program.path} reads {', '.join(program.languages)}")
    else:
        yield warn(
            "ocr",
            f"tesseract with one of {', '.join(settings.languages)} is not installed",
            "apt install tesseract-ocr tesseract-ocr-por",
        )


def _data(loaded: Loaded) -> Iterator[Check]:
    folder = loaded.settings.service.data_dir.absolute()
    if not folder.exists():
        yield warn("data", f"{folder} is not there yet", "`chamado run` makes it")
        return
    yield _folder("data", folder)
    yield _room(loaded.settings, folder)


def _folder(name: str, folder: Path) -> Check:
    found = folder.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not os.access(folder, os.W_OK | os.X_OK):
        return fail(
            name, f"{folder} cannot be written by us", "chown it to the service"
        )
    if found.st_uid != os.geteuid():
        return warn(
            name,
            f"{folder} belongs to another user than this command runs as",
            "run `chamado doctor` as the user of the service",
        )
    if mode & 0o077:
        return warn(
            name,
            f"{folder} can be entered by others (mode {mode:04o})",
            f"chmod 700 {folder}",
        )
    return ok(name, f"{folder} is ours alone")


def _room(settings: Settings, folder: Path) -> Check:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    reserve = settings.limits.disk_reserve_bytes
    said = f"{in_bytes(free)} are free, {in_bytes(reserve)} are kept in reserve"
    if disk.f_files and disk.f_favail < 100:
        return fail(
            "disk", "there are no inodes left", "remove files that are not ours"
        )
    if free < reserve:
        return fail("disk", f"{said}: no mail is taken", "make room")
    if free < ROOM * reserve:
        return warn("disk", said, "make room before mail is put off")
    return ok("disk", said)


CHECKS: tuple[Named, ...] = (
    Named(name="config", ask=_config),
    Named(name="python", ask=_python),
    Named(name="extras", ask=_extras),
    Named(name="ocr", ask=_ocr),
    Named(name="data", ask=_data),
    Named(name="database", ask=doctor_store.database),
    Named(name="blobs", ask=doctor_store.blob_store),
    Named(name="queues", ask=doctor_store.queues),
    Named(name="tls", ask=doctor_mail.certificates),
    Named(name="mailbox", ask=doctor_mail.mailboxes),
    Named(name="relay", ask=doctor_mail.relay),
)
