"""`chamado run`: the daemon in the foreground."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import click

from chamado.config import derive
from chamado.config.doubts import warnings
from chamado.config.files import file_errors
from chamado.config.load import Loaded
from chamado.config.problems import ConfigError
from chamado.daemon import logs
from chamado.daemon.app import NAMES, App
from chamado.daemon.cli.options import config_option, settings_of
from chamado.daemon.sources.sockets import ListenError


@click.command()
@config_option
@click.option(
    "--only",
    metavar="NAME,…",
    help=f"Run only some of: {' '.join(NAMES)}.",
)
@click.pass_context
def run(context: click.Context, only: str | None) -> None:
    """Run the daemon in the foreground until SIGTERM."""
    names = NAMES if only is None else tuple(only.replace(" ", "").split(","))
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise click.BadParameter(
            f"{', '.join(map(repr, unknown))}; there are {' '.join(NAMES)}",
            param_hint="--only",
        )
    loaded = settings_of(context)
    logs.configure(loaded.settings.log, os.environ, sys.stderr)
    if missing := file_errors(loaded.settings):
        raise ConfigError(missing)
    with _whoever_listens("stderr"):
        for problem in (*warnings(loaded.settings), *loaded.notes):
            click.echo(f"config: warning: {problem}", err=True)
    try:
        app = App(loaded.settings, path=loaded.path, only=names)
    except ListenError as error:
        click.echo(f"chamado: {error}", err=True)
        raise SystemExit(os.EX_UNAVAILABLE) from None

    def say_hello() -> None:
        with _whoever_listens("stdout"):
            _say_hello(loaded, app)

    raise SystemExit(app.run(say_hello))


@contextmanager
def _whoever_listens(name: str) -> Iterator[None]:
    """Print, and do without a reader who is gone or has no room: mail goes on.

    `name` is that of the stream, which is never tried again.
    """
    try:
        yield
    except OSError:
        # What could not be written would be tried again at the very end.
        nobody = Path(os.devnull).open("w")  # noqa: SIM115 - for good
        setattr(sys, name, nobody)


def as_started() -> str:
    """Return what to type to start this very program: its name, if that finds it."""
    found, started = which("chamado"), Path(sys.argv[0])
    if started.exists() and not (found and started.samefile(found)):
        return shlex.quote(sys.argv[0])
    return "chamado"


def _say_hello(loaded: Loaded, app: App) -> None:
    """Tell a person where we listen and how to send a first mail."""
    settings = loaded.settings
    click.echo(
        f"Chamado is running (configuration: {loaded.path or 'embedded default'})"
    )
    for line in app.listening:
        click.echo(f"  {line}")
    click.echo(f"  data in {settings.service.data_dir.absolute()}")
    if settings.relay.kind == "maildir":
        click.echo(f"  outgoing mail is written to {derive.relay_path(settings)}")
    smtp = [line for line in app.listening if line.startswith("smtp on ")]
    if smtp and loaded.path is None:
        host, _, port = smtp[0].removeprefix("smtp on ").rpartition(":")
        address = settings.address[0].address
        click.echo("Send a first mail from another terminal, then look at it:")
        click.echo(
            f"  printf 'From: ana@example.com\\nTo: {address}\\nSubject: Olá\\n\\n"
            f"A tela fica azul.\\n' | curl -s smtp://{host}:{port} "
            f"--mail-from ana@example.com --mail-rcpt {address} -T -"
        )
        click.echo(f"  {as_started()} ticket list")
    sys.stdout.flush()
