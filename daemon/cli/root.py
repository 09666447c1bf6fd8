"""The root command: where the configuration comes from, and how errors end.

Every mistake ends in one line that names the thing and the way out, and in an exit code
of sysexits(3); a traceback is a bug of ours.
"""

import io
import os
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

import click

from chamado.config.derive import SecretError
from chamado.config.problems import ConfigError
from chamado.daemon.cli import terminal
from chamado.daemon.refusal import (
    BadData,
    InTheWay,
    NotPermitted,
    NotThere,
    Refusal,
    Unavailable,
)
from chamado.daemon.sources.file import NoSuchInput
from chamado.daemon.sources.smtp_tls import TlsError
from chamado.daemon.store.engine import StoreError, Undurable, is_of_disk
from chamado.daemon.store.upgrade import UnknownSchema

#: Every command and where it is. A command is imported when it is asked for: who lists
#: tickets need not wait until an HTTP server and a parser are loaded.
COMMANDS: dict[str, str] = {
    "run": "run:run",
    "parse": "parse:parse",
    "ingest": "ingest:ingest",
    "inbox": "inbox:inbox_group",
    "why": "why:why",
    "ticket": "ticket_flow:ticket_group",
    "outbox": "outbox:outbox_group",
    "mailbox": "mailbox:mailbox_group",
    "template": "template:template_group",
    "doctor": "doctor:doctor",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "report": "report:report_group",
    "config": "config:config_group",
    "db": "db:db_group",
}

#: How a command ends that was refused (sysexits).
EXITS: dict[type[Refusal], int] = {
    NotThere: os.EX_NOINPUT,
    BadData: os.EX_DATAERR,
    NotPermitted: os.EX_NOPERM,
    Unavailable: os.EX_UNAVAILABLE,
    InTheWay: os.EX_CANTCREAT,
}


class _Root(click.Group):
    """Finds commands, and turns what goes wrong into a line and an exit code."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Name every command, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"chamado.daemon.cli.{module}"), attribute)
        return found if isinstance(found, click.Command) else None

    def invoke(self, context: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(context)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(f"config: {problem}", err=True)
            raise SystemExit(os.EX_CONFIG) from None
        except (SecretError, UnknownSchema, Undurable, TlsError) as error:
            _end(str(error), os.EX_CONFIG)
        except NoSuchInput as error:
            _end(str(error), os.EX_NOINPUT)
        except Refusal as error:
            codes = (code for kind, code in EXITS.items() if isinstance(error, kind))
            _end(str(error), next(codes, os.EX_DATAERR))
        except StoreError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            if is_of_disk(error):
                _end(f"the database cannot be written: {reason}", os.EX_IOERR)
            _end(f"the database does not answer: {reason}", os.EX_UNAVAILABLE)
        except PermissionError as error:
            _end(str(error), os.EX_NOPERM)
        except BrokenPipeError:
            # The reader of our output has had enough, such as `| head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            # A folder that cannot be made, a disk that is full: not our mistake.
            where = f"{error.filename}: " if error.filename else ""
            _end(f"{where}{error.strerror or error}", os.EX_IOERR)


def _end(message: str, code: int) -> NoReturn:
    click.echo(terminal.line(f"chamado: {message}"), err=True)
    raise SystemExit(code)


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("chamado"), prog_name="chamado")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file; default: $CHAMADO_CONFIG, ./chamado.toml, "
    "/etc/chamado/chamado.toml, or the embedded default.",
)
@click.pass_context
def chamado(context: click.Context, config: Path | None) -> None:
    """Turn support mail into tickets."""
    context.obj = config


def _open_what_is_closed() -> None:
    """Have standard streams, be it without a reader.

    Where one is closed, the next file that is opened gets its number: what a library
    then prints would go into the database.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode)  # noqa: SIM115 - stays for good
            setattr(sys, name, stream)


def _speak_utf8() -> None:
    """Write UTF-8 into files and pipes, and no exception onto any terminal.

    JSON is UTF-8 whatever the locale says (RFC 8259 §8.1); a terminal that has no
    letter for something shows a question mark.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")


def main() -> None:
    """Enter the command line; usage errors exit with 64."""
    _open_what_is_closed()
    _speak_utf8()
    try:
        code = chamado(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        code = os.EX_USAGE
    except click.Abort:
        click.echo("aborted", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = os.EX_USAGE
    raise SystemExit(code if isinstance(code, int) else 0)
