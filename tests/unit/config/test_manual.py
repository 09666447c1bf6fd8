"""The annotated file is the manual: it holds every key, at its default."""

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from chamado.config.keys import KEYS, pattern_of
from chamado.config.lines import flatten
from chamado.config.load import dump, load
from chamado.config.settings import Settings

MANUAL = resources.files("chamado.config").joinpath("chamado.toml").read_text("utf-8")
KEY_LINE = re.compile(r"^#(?=\[\[|[a-z_]+ = )", re.MULTILINE)
UNCOMMENTED = KEY_LINE.sub("", MANUAL)
WRITTEN = dict(flatten(tomllib.loads(UNCOMMENTED)))


def test_the_manual_holds_every_key_and_no_other() -> None:
    """A setting without a sentence in the manual does not exist for an operator."""
    assert sorted(map(pattern_of, WRITTEN)) == sorted(KEYS)


def test_the_manual_shows_the_defaults() -> None:
    """Every key that has a default stands in the manual with just that value."""
    settings = Settings.model_validate(tomllib.loads(UNCOMMENTED))
    shown = dict(flatten(dump(settings)))
    wrong = {
        key: shown[key]
        for key in WRITTEN
        for known in [KEYS[pattern_of(key)]]
        if not known.required and known.default is not None
        if shown[key] != known.default
    }
    assert not wrong


def test_the_manual_as_written_is_the_embedded_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes the file out and changes nothing runs what ran without it."""
    monkeypatch.chdir(tmp_path)
    embedded = load(None, {}).settings
    (tmp_path / "chamado.toml").write_text(MANUAL)
    assert load(None, {}).settings == embedded


def test_the_manual_holds_no_secret_and_no_long_line() -> None:
    """It is copied as it is, and read on narrow terminals."""
    active = {pattern_of(key) for key, _ in flatten(tomllib.loads(MANUAL))}
    assert not {key for key in active & KEYS.keys() if KEYS[key].is_secret}
    assert max(map(len, MANUAL.splitlines())) <= 88
