"""What `run` tells a person to type works where it was started."""

import sys
from pathlib import Path

import pytest

from chamado.daemon.cli.run import as_started


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `chamado` in a folder of its own, and a person who stands beside it."""
    file = tmp_path / ".venv" / "bin" / "chamado"
    file.parent.mkdir(parents=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return file


def test_the_hint_names_the_command_as_it_was_started(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `make run` there is no `chamado` on PATH, or it is another one."""
    monkeypatch.setattr(sys, "argv", [".venv/bin/chamado", "run"])
    assert as_started() == ".venv/bin/chamado"
    other = program.parents[2] / "bin" / "chamado"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert as_started() == ".venv/bin/chamado"


def test_the_hint_is_the_name_where_that_finds_it(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed as usual, also by a link, it is what everybody types."""
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(sys, "argv", [str(program), "run"])
    assert as_started() == "chamado"


def test_a_folder_with_a_blank_can_be_typed_too(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint is quoted as a shell needs it."""
    moved = program.rename(program.parents[2] / "my chamado")
    monkeypatch.setattr(sys, "argv", [str(moved), "run"])
    assert as_started() == f"'{moved}'"
