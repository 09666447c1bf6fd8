"""Stopping a PostgreSQL as a power cut would, and starting it again."""

import os
import subprocess

from tests.support.postgres import USER, Postgres, programs


def stopped(server: Postgres) -> str:
    """Stop a server at once, without a word to anybody; return how it was started."""
    words = (server.folder / "data" / "postmaster.opts").read_text().split(" ", 1)
    _control(server, "-m", "immediate", "-w", "stop")
    return words[1].strip()


def started_again(server: Postgres, options: str) -> None:
    """Start it again as it was started; it recovers from its log."""
    log = server.folder / "log"
    _control(server, "-l", str(log), "-w", "-t", "60", "-o", options, "start")


def _control(server: Postgres, *words: str) -> None:
    folder = programs()
    assert folder
    mask = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
    command = [str(folder / "pg_ctl"), "-D", str(server.folder / "data"), *words]
    done = subprocess.run(
        [*(mask if os.getuid() == 0 else []), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, f"pg_ctl {words} failed with {done.returncode}"
