"""`chamado config`: write a commented file, find all mistakes, show what holds.

Works without a database and without the network. Exit codes: 73 when a file that is
there would be overwritten or cannot be written, 78 when the configuration is wrong.
"""

import json
import os
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path

import click

from chamado.config.doubts import warnings
from chamado.config.files import file_errors, file_warnings
from chamado.config.keys import KEYS, pattern_of
from chamado.config.lines import flatten
from chamado.config.load import Loaded, dump, load
from chamado.config.problems import ConfigError, Problem
from chamado.config.settings import Settings
from chamado.config.units import duration
from chamado.daemon.cli.options import config_option, json_option, print_json
from chamado.notifier.render import Templates
from chamado.notifier.strays import strays

_SHAPE = "files are layout.html and LANGUAGE/KIND/subject.txt, body.txt, body.html"

# Checks of `config check` that need more than settings, such as rendering every
# template; whoever owns one appends it when the command line is put together.
EXTRA_CHECKS: list[Callable[[Settings], Iterable[Problem]]] = []


def _broken_templates(settings: Settings) -> Iterable[Problem]:
    templates = Templates(
        override=settings.service.templates,
        timezone=settings.service.timezone,
        quiet=True,
    )
    return (
        Problem(key="service.templates", message=broken, hint="ours is used instead")
        for broken in templates.check()
    )


EXTRA_CHECKS.append(_broken_templates)


def _unused_templates(settings: Settings) -> Iterable[Problem]:
    folder = settings.service.templates
    for name, nearest in strays(folder) if folder else ():
        yield Problem(
            key="service.templates",
            message=f"{name} is never used",
            hint=f"did you mean {nearest}?" if nearest else _SHAPE,
        )


@click.group("config")
def config_group() -> None:
    """Write, check and show the configuration."""


@config_group.command("init")
@click.argument("path", type=click.Path(path_type=Path), default=Path("chamado.toml"))
def init(path: Path) -> None:
    """Write a file with every key, commented; never over one that is there."""
    try:
        with open(path, "x", encoding="utf-8", opener=_private) as file:
            file.write(manual(path.absolute()))
    except OSError as trouble:
        click.echo(f"{path}: {trouble.strerror}; nothing was written", err=True)
        raise SystemExit(os.EX_CANTCREAT) from None
    click.echo(f"{path} written; change it, then: chamado --config {path} config check")


def manual(path: Path) -> str:
    """Return the annotated file as it belongs at a path.

    Beside a file in /etc nothing may be written, so there the data get their usual
    place; anywhere else they lie beside the file.
    """
    text = resources.files("chamado.config").joinpath("chamado.toml").read_text("utf-8")
    if path.is_relative_to("/etc"):
        return text.replace('#data_dir = "var/', 'data_dir = "/var/lib/', 1)
    return text


def _private(path: str, flags: int) -> int:
    """Open so that the service's group may read the file and others may not."""
    handle = os.open(path, flags, 0o600)
    os.fchmod(handle, 0o640)
    return handle


@config_group.command("check")
@config_option
@json_option
@click.pass_obj
def check(path: Path | None, as_json: bool) -> None:
    """Print all mistakes and warnings; exit 78 when there is a mistake."""
    found, wrong, doubtful = _examined(path)
    if as_json:
        print_json(_report(found, wrong, doubtful))
    else:
        for word, problems in (("fail", wrong), ("warn", doubtful)):
            for problem in problems:
                click.echo(f"{word} {problem}")
        if not wrong:
            click.echo(f"ok {found}")
    if wrong:
        raise SystemExit(os.EX_CONFIG)


def _examined(path: Path | None) -> tuple[str, list[Problem], list[Problem]]:
    """Return the file's name, the mistakes, and the warnings, each with its place."""
    try:
        loaded = load(path, os.environ)
    except ConfigError as mistakes:
        return str(path or ""), list(mistakes.problems), []
    settings = loaded.settings
    wrong = [*file_errors(settings)]
    for extra in EXTRA_CHECKS:
        wrong += extra(settings)
    doubtful = [*loaded.notes, *warnings(settings), *file_warnings(settings)]
    doubtful += _unused_templates(settings)
    name = str(loaded.path or "the embedded default (no file was found)")
    return name, _placed(loaded, wrong), _placed(loaded, doubtful)


def _placed(loaded: Loaded, problems: Iterable[Problem]) -> list[Problem]:
    return [p.at(p.where or loaded.where(p.key)) for p in problems]


def _report(
    found: str, wrong: list[Problem], doubtful: list[Problem]
) -> dict[str, object]:
    return {
        "file": found,
        "ok": not wrong,
        "errors": [_fields(problem) for problem in wrong],
        "warnings": [_fields(problem) for problem in doubtful],
    }


def _fields(problem: Problem) -> dict[str, str]:
    return {
        "key": problem.key,
        "message": problem.message,
        "hint": problem.hint,
        "where": problem.where,
    }


@config_group.command("show")
@config_option
@json_option
@click.pass_obj
def show(path: Path | None, as_json: bool) -> None:
    """Print what holds and where each value comes from; secrets are masked."""
    try:
        loaded = load(path, os.environ)
    except ConfigError as mistakes:
        click.echo(mistakes, err=True)
        raise SystemExit(os.EX_CONFIG) from None
    values = {k: _plain(v) for k, v in flatten(dump(loaded.settings))}
    origins = {key: loaded.origins.get(key, "default") for key in values}
    if as_json:
        shown = {k: {"value": v, "origin": origins[k]} for k, v in values.items()}
        print_json({"file": str(loaded.path or ""), "settings": shown})
        return
    click.echo(f"# {loaded.path or 'the embedded default (no file was found)'}")
    lines = {k: f"{k} = {_written(k, v)}" for k, v in values.items()}
    width = min(max(map(len, lines.values())), 60)
    for key, line in lines.items():
        click.echo(f"{line:{width}}  # {origins[key]}")


def _written(key: str, value: object) -> str:
    """Write a value as the file would have it; JSON tells durations in seconds."""
    known = KEYS.get(pattern_of(key))
    if known and known.is_duration and isinstance(value, float):
        value = duration(value)
    return json.dumps(value, ensure_ascii=False)


def _plain(value: object) -> object:
    """Return a value as JSON knows it; a secret turns into stars by its own str()."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)
