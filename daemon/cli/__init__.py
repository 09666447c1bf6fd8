"""The commands. `chamado.daemon.cli:main` is what the installed `chamado` runs."""

from chamado.daemon.cli.root import main

__all__ = ["main"]
