"""Loading: find the file, lay environment and credentials over it, judge the whole.

Reports every mistake it can find at once, with its line. Never prints, never guesses:
a file that was named and cannot be read is an error, not a reason for defaults.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from chamado.config import checks
from chamado.config.keys import KEYS, LIST_TABLES, TABLES, nearest, pattern_of
from chamado.config.layers import (
    Layer,
    Value,
    from_credentials,
    from_environment,
    from_file,
    gaps,
    merge,
    nest,
)
from chamado.config.lines import flatten
from chamado.config.problems import ConfigError, Problem
from chamado.config.settings import Settings
from chamado.config.units import no_duration

SEARCH = (Path("chamado.toml"), Path("/etc/chamado/chamado.toml"))

# With no file at all Chamado runs on these, so that a first mail needs no set-up.
EMBEDDED = {
    "listener.0.protocol": "smtp",
    "listener.0.listen": "127.0.0.1:2525",
    "address.0.address": "support@localhost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings with the file they came from and the origin of every key.

    An origin is `file LINE`, `environment NAME`, `credential NAME` or `default`.
    `notes` are warnings that only loading can see.
    """

    settings: Settings
    path: Path | None
    origins: Mapping[str, str]
    notes: tuple[Problem, ...] = ()

    def where(self, key: str) -> str:
        """Return FILE:LINE or the variable a key comes from, "" for a default."""
        return _where(key, self.origins, self.path)


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Load the configuration named, or the first one found, or the embedded default.

    Searches `path`, $CHAMADO_CONFIG, ./chamado.toml, /etc/chamado/chamado.toml.
    Raises ConfigError with all mistakes. Does not ask whether secrets can be read:
    see `chamado.config.files`.
    """
    found, text = _find(path, environ)
    flat, notes = _layers(found, text, environ)
    origins = {key: value.origin for key, value in flat.items()}
    settings, problems = _judge({key: value.value for key, value in flat.items()})
    if problems or settings is None:
        placed = [p.at(p.where or _where(p.key, origins, found)) for p in problems]
        raise ConfigError(tuple(sorted(placed, key=_reading_order)))
    shown = {key: "default" for key, _ in flatten(dump(settings))} | {
        key: origin for key, origin in origins.items() if origin
    }
    return Loaded(settings=settings, path=found, origins=shown, notes=notes)


def dump(settings: Settings) -> dict[str, object]:
    """Return settings as tables under the names of the file; secrets stay masked."""
    tables = settings.model_dump(by_alias=True)
    return {
        name: list(table) if isinstance(table, tuple) else table
        for name, table in tables.items()
    }


def _find(path: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, str]:
    named = path or (environ.get("CHAMADO_CONFIG") and Path(environ["CHAMADO_CONFIG"]))
    for candidate in (named,) if named else SEARCH:
        try:
            # Editors of Windows begin a file with a mark that TOML does not know.
            return candidate, candidate.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise _unusable(candidate, "is not UTF-8 text") from None
        except OSError as trouble:
            if named or not isinstance(trouble, FileNotFoundError):
                raise _unusable(candidate, f"{trouble.strerror}") from None
    return None, ""


def _unusable(path: Path, message: str) -> ConfigError:
    return ConfigError((Problem(key="", message=message, where=str(path)),))


def _layers(
    path: Path | None, text: str, environ: Mapping[str, str]
) -> tuple[dict[str, Value], tuple[Problem, ...]]:
    here = Path.cwd()
    bottom = _bottom(path, here, environ)
    file = from_file(path, text) if path else {}
    environment = from_environment(environ, here)
    mailboxes = {
        key.split(".")[1]: str(value.value)
        for key, value in merge(file, environment).items()
        if pattern_of(key) == "mailbox.*.name"
    }
    names = _names(environ.get("CREDENTIALS_DIRECTORY", ""))
    credentials, notes = from_credentials(environ, names, mailboxes)
    return merge(bottom, file, credentials, environment), notes


def _bottom(path: Path | None, here: Path, environ: Mapping[str, str]) -> Layer:
    """Return the weakest layer; values without an origin count as defaults."""
    folder = path.parent.absolute() if path else here
    data = Value(value=str(folder / Settings().service.data_dir), origin="")
    if named := environ.get("CHAMADO_DATA_DIR"):
        origin = "environment CHAMADO_DATA_DIR"
        data = Value(value=str(here / named), origin=origin)
    embedded = {} if path else EMBEDDED
    return {"service.data_dir": data} | {
        key: Value(value=value, origin="") for key, value in embedded.items()
    }


def _names(folder: str) -> list[str]:
    try:
        return [path.name for path in Path(folder).iterdir()] if folder else []
    except OSError as trouble:
        raise _unusable(Path(folder), f"{trouble.strerror}") from None


def _judge(flat: dict[str, object]) -> tuple[Settings | None, list[Problem]]:
    """Validate; after mistakes go on with the rest, so that they come all at once."""
    problems = list(_odd_values(flat))
    rest = {k: v for k, v in flat.items() if k not in {p.key for p in problems}}
    settings = None
    for _ in range(3):
        try:
            settings = Settings.model_validate(nest(rest))
            break
        except ValidationError as mistakes:
            known = {problem.key for problem in problems}
            fresh = [p for p in map(_problem, mistakes.errors()) if p.key not in known]
            problems += {p.key: p for p in reversed(fresh)}.values()
            rest = _mended(rest, [p.key for p in map(_problem, mistakes.errors())])
    if settings:
        known = {problem.key for problem in problems}
        problems += [p for p in checks.errors(settings) if p.key not in known]
    return settings, problems


def _odd_values(flat: Mapping[str, object]) -> Iterator[Problem]:
    for key, value in flat.items():
        known = KEYS.get(pattern_of(key))
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(t, str) and _has_controls(t) for t in texts):
            message = "holds a control character or is not UTF-8"
            yield Problem(key=key, message=message)
        elif isinstance(value, bool) and known and not known.is_flag:
            yield Problem(key=key, message="is true or false where it may not be")
        elif isinstance(value, int | float) and value and known and known.is_duration:
            # Days were meant by whoever wrote remind_after = 3, and seconds would hold.
            yield Problem(key=key, message=no_duration(value))
    for key, table in gaps(flat):
        hint = f"numbers start at 0 and leave no gap; [[{table}]] is a list"
        yield Problem(key=key, message="has no table of that number", hint=hint)


def _has_controls(text: str) -> bool:
    # Cc are the control characters, Zl and Zp the line and paragraph separators that
    # some programs take for line ends, Cs what is left of bytes that are not UTF-8.
    return any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") for char in text)


def _problem(mistake: Mapping[str, object]) -> Problem:
    """Put a mistake found by pydantic into words, without the value."""
    location = mistake["loc"]
    parts = [str(part) for part in location] if isinstance(location, tuple) else []
    key, kind = ".".join(parts), mistake["type"]
    if kind == "extra_forbidden":
        like = nearest(key)
        hint = f"did you mean {like}?" if like else ""
        return Problem(key=key, message="unknown key", hint=hint)
    if kind == "missing" and pattern_of(key) in KEYS:
        return Problem(key=key, message="is required")
    while parts[1:] and pattern_of(key) not in KEYS:
        parts.pop()
        key = ".".join(parts)
    if key in LIST_TABLES and len(parts) == 1:
        hint = f"write [[{key}]] in two brackets: it is a list of tables"
        return Problem(key=key, message="is no list of tables", hint=hint)
    if key in TABLES:
        return Problem(key=key, message="is no table", hint=f"write [{key}]")
    if kind == "tuple_type":
        # A command may hold a secret, any other list holds names and words.
        given = mistake["input"]
        shown = isinstance(given, str) and not key.endswith(".token_command")
        word = json.dumps(given if shown else "…", ensure_ascii=False)
        hint = f"write [{word}]"
        return Problem(key=key, message="is no list", hint=hint)
    if key.startswith("priority.") and kind in ("missing", "too_long"):
        hint = 'write three, for the impacts high, medium and low: ["p1", "p2", "p3"]'
        return Problem(key=key, message="is no row of three priorities", hint=hint)
    message = str(mistake["msg"]).removeprefix("Value error, ")
    return Problem(key=key, message=message[:1].lower() + message[1:])


def _mended(flat: Mapping[str, object], wrong: list[str]) -> dict[str, object]:
    """Leave the wrong keys out, and stand in for those that have to be there."""
    rest = {
        key: value
        for key, value in flat.items()
        if not any(key == bad or key.startswith(f"{bad}.") for bad in wrong)
    }
    for number, bad in enumerate(wrong):
        known = KEYS.get(pattern_of(bad))
        if known and known.required:
            end = "@unknown.invalid" if bad.endswith(".address") else ""
            rest[bad] = f"unknown-{number}{end}"
    return rest


def _where(key: str, origins: Mapping[str, str], path: Path | None) -> str:
    """Return where a key, or else the first key of its table, was written."""
    table = key.rpartition(".")[0]
    near = [origins.get(key, "")]
    near += [o for k, o in origins.items() if table and k.startswith(f"{table}.")]
    near += [o for k, o in origins.items() if k.startswith(f"{key}.")]
    kind, _, what = next(filter(None, near), "").partition(" ")
    if kind == "file":
        return f"{path}:{what}"
    return f"{kind} {what}" if kind in ("environment", "credential") else ""


def _reading_order(problem: Problem) -> tuple[str, int, str]:
    file, _, line = problem.where.rpartition(":")
    if line.isdecimal():
        return file, int(line), problem.key
    return problem.where, 0, problem.key
