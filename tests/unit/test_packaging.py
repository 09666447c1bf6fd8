"""What is installed equals what is in the tree.

A forgotten package works in an editable checkout and is missing from the wheel: only
building the wheel and looking into it finds that.
"""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WINGS = ("config", "parsers", "notifier", "daemon")
pytestmark = pytest.mark.xdist_group("wheel")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def packages(root: Path) -> set[str]:
    """Return the dotted name of every package below the wings."""
    found = (
        file.parent for wing in WINGS for file in (root / wing).rglob("__init__.py")
    )
    return {f"chamado.{'.'.join(folder.relative_to(root).parts)}" for folder in found}


def test_the_package_list_equals_the_tree() -> None:
    """Every folder with Python in it is a package, and every package is listed."""
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert set(listed) == packages(ROOT)
    assert len(listed) == len(set(listed))
    folders = {file.parent for wing in WINGS for file in (ROOT / wing).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_a_forgotten_package_is_noticed(tmp_path: Path) -> None:
    """The comparison sees a package that nobody has listed."""
    new = tmp_path / "parsers" / "new"
    new.mkdir(parents=True)
    (new / "__init__.py").touch()
    assert packages(tmp_path) == {"chamado.parsers.new"}


def test_every_wing_is_mapped_to_its_folder() -> None:
    """The folder daemon/ is chamado.daemon; nothing is installed at the top level."""
    mapping = PROJECT["tool"]["setuptools"]["package-dir"]
    assert mapping == {f"chamado.{wing}": wing for wing in WINGS}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build a wheel out of a copy of the tree, and return the names in it.

    A copy, because building leaves traces; without isolation, because tests do not
    talk to a package index.
    """
    copy = tmp_path_factory.mktemp("tree")
    trash = shutil.ignore_patterns("__pycache__")
    for folder in (*WINGS, "tests", "systemd"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=trash)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (built,) = copy.glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_the_wheel_holds_every_file_of_the_wings(wheel: set[str]) -> None:
    """Code, templates, migrations, word lists and the manual: nothing is lost."""
    files = (f for wing in WINGS for f in (ROOT / wing).rglob("*") if f.is_file())
    wanted = {
        f"chamado/{file.relative_to(ROOT).as_posix()}"
        for file in files
        if "__pycache__" not in file.parts
    }
    assert wanted - wheel == set()
    assert "chamado/config/chamado.toml" in wheel
    assert "chamado/daemon/store/migrations/script.py.mako" in wheel


def test_the_wheel_holds_nothing_else(wheel: set[str]) -> None:
    """No tests, nothing that could collide with another package, and the units."""
    version = PROJECT["project"]["version"]
    strays = {name for name in wheel if not name.startswith("chamado/")}
    units = f"chamado-{version}.data/data/share/chamado/systemd/"
    assert {name for name in strays if ".dist-info/" not in name} == {
        units + file.name for file in (ROOT / "systemd").iterdir()
    }
    assert {name.partition("/")[0] for name in strays if ".dist-info/" in name} == {
        f"chamado-{version}.dist-info"
    }
    assert not [name for name in wheel if "/tests/" in name]
