"""The README tells the truth: its examples are run as they stand."""

import os
import re
import subprocess
from pathlib import Path

from tests.support.daemon import CHAMADO, Daemon, wait_until

ROOT = Path(__file__).parents[2]


def _examples() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_first_five_minutes_work_as_written(tmp_path: Path) -> None:
    """Send, look, answer, resolve, ingest and prove the ledger, on the defaults."""
    send, look, answer, again = (
        script for script in _examples() if "first.eml" in script or "ticket" in script
    )
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "chamado").symlink_to(CHAMADO)
    environment = {
        **os.environ,
        "CHAMADO_LISTENER__0__LISTEN": "127.0.0.1:0",
        "CHAMADO_HTTP__LISTEN": "127.0.0.1:0",
    }
    # The embedded default has no file; only its ports are moved, to be alone with.
    with Daemon(tmp_path / "no-file", embedded=True, env=environment) as daemon:
        port = daemon.smtp_port
        _run(send.replace("127.0.0.1:2525", f"127.0.0.1:{port}"), tmp_path, environment)
        wait_until(lambda: list((tmp_path / "var/chamado/outgoing/new").glob("*")))
        said = _run(look, tmp_path, environment)
        assert "A tela fica azul" in said
        assert "sent" in said
        _run(answer, tmp_path, environment)
        wait_until(
            lambda: len(list((tmp_path / "var/chamado/outgoing/new").glob("*"))) == 3
        )
        assert "duplicate" in _run(again, tmp_path, environment)
        assert daemon.stop() == 0


def test_the_two_commands_are_those_of_the_makefile() -> None:
    """`make run` and `make test` exist as the README names them."""
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()
    for command in ("run", "test", "check", "bench"):
        assert f"make {command}" in readme
        assert re.search(rf"^{command}:", makefile, re.M)


def test_every_file_the_readme_points_to_is_there() -> None:
    """No link leads nowhere."""
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
