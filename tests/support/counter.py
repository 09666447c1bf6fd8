"""The command line over a database of a test, in this process.

`Counter.run` is what a person types after `chamado`; it ends with the exit code that
the installed command would end with.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner

from chamado.daemon.cli.root import chamado

CONFIG = """
[service]
name = "Acme Suporte"
domain = "acme.example"
timezone = "America/Sao_Paulo"
data_dir = "{data_dir}"
[database]
url = "{url}"
[[address]]
address = "suporte@acme.example"
subaddress = true
[[address]]
address = "vendas@acme.example"
team = "sales"
[[agent]]
address = "bia@acme.example"
name = "Bia"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str
    raw: bytes

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Commands with one configuration file."""

    config: Path

    def run(
        self,
        *arguments: object,
        stdin: str | bytes | None = None,
        editor: str | Path = "",
    ) -> Result:
        """Run a command to its end, whatever that is."""
        done = CliRunner().invoke(
            chamado,
            [str(a) for a in arguments],
            input=stdin,
            env={
                "CHAMADO_CONFIG": str(self.config),
                "VISUAL": str(editor),
                "EDITOR": "",
            },
            standalone_mode=False,
        )
        code, said = done.exit_code, done.stderr
        if isinstance(done.exception, click.ClickException):
            code, said = os.EX_USAGE, said + done.exception.format_message()
        elif done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(code=code, out=done.stdout, err=said, raw=done.stdout_bytes)

    def ok(self, *arguments: object, **how: Any) -> Result:
        """Run a command that has to succeed."""
        done = self.run(*arguments, **how)
        assert done.code == 0, (done.code, done.out, done.err)
        return done

    def json(self, *arguments: object, stdin: str | bytes | None = None) -> Any:
        """Run a command that has to succeed, with --json; return the document."""
        return self.ok(*arguments, "--json", stdin=stdin).json


def counter(folder: Path, url: str, *, more: str = "", text: str = CONFIG) -> Counter:
    """Write a configuration below `folder` and return the commands with it."""
    config = folder / "chamado.toml"
    config.write_text(text.format(data_dir=folder / "data", url=url) + more)
    return Counter(config=config)
