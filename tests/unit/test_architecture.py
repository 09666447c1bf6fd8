"""The shape of the house, read off the imports: who may know whom.

Every check runs on the real tree and, so that it cannot go blind, on a small bad one.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WINGS = ("config", "parsers", "notifier", "daemon")

# Each wing may import the wings named here, and itself.
DIRECTIONS = {
    "config": (),
    "parsers": ("config",),
    "notifier": ("config",),
    "daemon": ("config", "parsers", "notifier"),
}

# Each library may be imported only below the paths named here: who wants to replace it
# looks in one place, and its exceptions, types and defaults stop there.
FENCES = {
    "mailparser": ("parsers/message.py",),
    "imapclient": ("daemon/sources/imap_client.py",),
    "aiosmtpd": ("daemon/sources/smtp.py",),
    "apscheduler": ("daemon/clock.py",),
    "sqlalchemy": ("daemon/store/",),
    "alembic": ("daemon/store/",),
    "smtplib": ("notifier/",),
    "jinja2": ("notifier/", "daemon/http/"),
    "pydantic_settings": ("config/",),
    "click": ("daemon/cli/",),
    "starlette": ("daemon/http/",),
    "uvicorn": ("daemon/http/",),
    "holidays": ("config/holidays.py",),
    "dkim": ("daemon/mailauth.py",),
    "spf": ("daemon/mailauth.py",),
    "dns": ("daemon/names.py",),
    "nh3": ("parsers/html.py",),
    "PIL": ("parsers/pictures.py",),
    "tnefparse": ("parsers/tnef.py",),
    "oxmsg": ("parsers/outlook.py",),
    "icalendar": ("parsers/invitation.py",),
}

# daemon/core/ decides and touches nothing. It may use what computes; what reads a
# clock, a file, a socket or a random source is not in the list, and never will be.
PURE = (
    "__future__",
    "base64",
    "binascii",
    "bisect",
    "calendar",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "math",
    "operator",
    "re",
    "string",
    "typing",
    "unicodedata",
    "zoneinfo",
    "chamado.config.address",
    "chamado.config.hours",
    "chamado.config.settings",
    "chamado.config.spelling",
    "chamado.config.units",
    "chamado.parsers.types",
    "chamado.daemon.core",
)
CLOCKS = frozenset({"now", "utcnow", "today"})

# D-01. What turns data into code, and what a crafted file could make run.
BANNED_MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "yaml", "pty"})
BANNED_CALLS = frozenset(
    {"eval", "exec", "__import__", "os.system", "os.popen", "subprocess.getoutput"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Python file: its path from the root, and what it says."""

    path: str
    tree: ast.Module

    @property
    def wing(self) -> str:
        """The first folder of the path."""
        return self.path.partition("/")[0]


def sources(root: Path, *folders: str) -> Iterator[Source]:
    """Yield every Python file below the folders."""
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            tree = ast.parse(file.read_text("utf-8"), str(file))
            yield Source(path=file.relative_to(root).as_posix(), tree=tree)


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, module) for each import; `from a import b` counts as a and a.b."""
    package = "chamado." + source.path.rpartition("/")[0].replace("/", ".")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: package.count(".") + 2 - node.level]
            above = ".".join(up) if node.level else ""
            module = ".".join(part for part in (above, node.module) if part)
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def within(module: str, packages: frozenset[str] | tuple[str, ...]) -> bool:
    """Tell whether a module is one of the packages or lies in one."""
    return any(module == p or module.startswith(f"{p}.") for p in packages)


def wrong_directions(root: Path) -> Iterator[str]:
    """Find wings that look upwards or sideways."""
    for source in sources(root, *WINGS):
        forbidden = {*WINGS} - {source.wing, *DIRECTIONS[source.wing]}
        for line, module in imports(source):
            if within(module, tuple(f"chamado.{wing}" for wing in forbidden)):
                yield f"{source.path}:{line}: {source.wing} imports {module}"


def bare_imports(root: Path) -> Iterator[str]:
    """Find `import parsers.x`: a second copy of every class, unequal to the first."""
    for source in sources(root, *WINGS, "tests", "bench"):
        for line, module in imports(source):
            if within(module, WINGS):
                yield f"{source.path}:{line}: {module} is chamado.{module}"


def broken_fences(root: Path) -> Iterator[str]:
    """Find libraries outside the place that is theirs."""
    for source in sources(root, *WINGS):
        for line, module in imports(source):
            places = FENCES.get(module.partition(".")[0])
            if places and not source.path.startswith(places):
                yield f"{source.path}:{line}: {module} only in {' '.join(places)}"


def impurities(root: Path) -> Iterator[str]:
    """Find a core that could read a clock, a file or a socket."""
    for source in sources(root, "daemon/core"):
        for line, module in imports(source):
            if not within(module, PURE):
                yield f"{source.path}:{line}: the core imports {module}"
        for line, name in calls(source):
            if name.rpartition(".")[2] in CLOCKS or name == "open":
                yield f"{source.path}:{line}: the core calls {name}"


def dangers(root: Path) -> Iterator[str]:
    """Find what turns data into code, and shells."""
    for source in sources(root, *WINGS, "bench"):
        for line, module in imports(source):
            if within(module, BANNED_MODULES):
                yield f"{source.path}:{line}: {module}"
        for line, name in calls(source):
            if name in BANNED_CALLS or name.endswith("(shell=True)"):
                yield f"{source.path}:{line}: {name}"


def calls(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of each call; one with a shell is marked."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            shell = [k.value for k in node.keywords if k.arg == "shell"]
            harmless = all(isinstance(v, ast.Constant) and not v.value for v in shell)
            yield node.lineno, name if harmless else f"{name}(shell=True)"


CHECKS: tuple[Callable[[Path], Iterator[str]], ...] = (
    wrong_directions,
    bare_imports,
    broken_fences,
    impurities,
    dangers,
)


@pytest.mark.parametrize("check", CHECKS)
def test_d01_the_house_keeps_its_shape(check: Callable[[Path], Iterator[str]]) -> None:
    """D-01: no import and no call in the whole tree breaks a rule of the house."""
    assert not list(check(ROOT))


def test_every_folder_is_looked_at() -> None:
    """A renamed folder must not turn a check into one that finds nothing."""
    folders = (*WINGS, "daemon/core", "tests")
    assert all(list(sources(ROOT, folder)) for folder in folders)


BAD: tuple[tuple[Callable[[Path], Iterator[str]], str, str], ...] = (
    (wrong_directions, "parsers/x.py", "import chamado.daemon.app"),
    (wrong_directions, "parsers/rules/x.py", "from chamado.notifier import types"),
    (wrong_directions, "notifier/x.py", "from chamado import parsers"),
    (wrong_directions, "config/x.py", "def f():\n    from chamado.parsers.a import b"),
    (wrong_directions, "parsers/x.py", "from ..daemon import app"),
    (wrong_directions, "parsers/rules/x.py", "from ...notifier.types import Letter"),
    (bare_imports, "parsers/x.py", "import parsers.message"),
    (bare_imports, "tests/unit/x.py", "from config.settings import Settings"),
    (bare_imports, "bench/x.py", "import daemon"),
    (broken_fences, "parsers/x.py", "import mailparser"),
    (broken_fences, "parsers/message/x.py", "from mailparser.core import MailParser"),
    (broken_fences, "daemon/process.py", "from sqlalchemy import select"),
    (broken_fences, "daemon/sources/smtp_data.py", "import aiosmtpd.smtp"),
    (broken_fences, "daemon/sources/imap_watch.py", "import imapclient"),
    (broken_fences, "daemon/deliver.py", "import smtplib"),
    (broken_fences, "daemon/app.py", "import uvicorn"),
    (broken_fences, "daemon/supervisor.py", "import apscheduler.schedulers"),
    (broken_fences, "parsers/x.py", "import jinja2"),
    (broken_fences, "config/x.py", "import click"),
    (broken_fences, "parsers/images.py", "from PIL import Image"),
    (broken_fences, "parsers/opened.py", "def f():\n    from tnefparse import TNEF"),
    (broken_fences, "parsers/opened.py", "import oxmsg"),
    (broken_fences, "parsers/opened.py", "from icalendar import Calendar"),
    (broken_fences, "parsers/body.py", "import nh3"),
    (impurities, "daemon/core/x.py", "import time"),
    (impurities, "daemon/core/x.py", "import logging"),
    (impurities, "daemon/core/x.py", "import secrets"),
    (impurities, "daemon/core/x.py", "from os import path"),
    (impurities, "daemon/core/x.py", "from chamado.daemon.store import schema"),
    (impurities, "daemon/core/x.py", "from ..store import schema"),
    (impurities, "daemon/core/x.py", "from datetime import datetime\ndatetime.now()"),
    (impurities, "daemon/core/x.py", "open('x')"),
    (dangers, "daemon/x.py", "import pickle"),
    (dangers, "parsers/x.py", "from marshal import loads"),
    (dangers, "config/x.py", "import yaml"),
    (dangers, "daemon/x.py", "eval('1')"),
    (dangers, "daemon/x.py", "exec('1')"),
    (dangers, "daemon/x.py", "import os\nos.system('x')"),
    (dangers, "bench/x.py", "import subprocess\nsubprocess.run('x', shell=True)"),
    (dangers, "daemon/x.py", "import subprocess as s\ns.Popen('x', shell=yes)"),
)


@pytest.mark.parametrize(("check", "path", "text"), BAD)
def test_each_check_catches_a_bad_tree(
    tmp_path: Path, check: Callable[[Path], Iterator[str]], path: str, text: str
) -> None:
    """A house with one bad file is found out, and the file is named."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    found = list(check(tmp_path))
    assert found
    assert all(line.startswith(f"{path}:") for line in found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("daemon/app.py", "from chamado.parsers.message import parse"),
        ("parsers/rules/x.py", "from ..types import Hit"),
        ("parsers/message.py", "import mailparser"),
        ("daemon/store/schema.py", "import sqlalchemy"),
        ("daemon/core/x.py", "from . import types"),
        ("daemon/core/x.py", "from datetime import UTC, datetime"),
        ("daemon/x.py", "import subprocess\nsubprocess.run(['x'], shell=False)"),
    ],
)
def test_good_code_passes_every_check(tmp_path: Path, path: str, text: str) -> None:
    """The checks leave alone what the house allows."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert [line for check in CHECKS for line in check(tmp_path)] == []
