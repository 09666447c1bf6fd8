"""In a folder without a database nothing is made, and nothing is said to be well."""

from pathlib import Path

import pytest

from tests.support.counter import Counter, counter
from tests.support.postgres import Postgres

BIA = ("--agent", "bia@acme.example")
COMMANDS = [
    ("ticket", "list"),
    ("ticket", "show", "1"),
    ("ticket", "note", "1", *BIA, "--body-file", "-"),
    ("inbox", "list"),
    ("inbox", "retry", "1"),
    ("outbox", "list"),
    ("mailbox", "list"),
    ("report", "volume"),
    ("why", "1"),
    ("doctor", "--ledger"),
    ("db", "check"),
    ("backup", "copy"),
]


def refused(cli: Counter, words: tuple[str, ...], where: str) -> None:
    """The command ends with 66 and the one line."""
    done = cli.run(*words, stdin="x")
    assert done.code == 66, (done.code, done.out, done.err)
    assert done.out == ""
    assert done.err == (
        f"chamado: there is no database at {where} yet; "
        f"`chamado run` or `chamado db upgrade` makes it\n"
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_wrong_folder_is_not_taken_for_an_empty_desk(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Whoever looks where nothing ever ran is told so, and leaves no file behind."""
    file = tmp_path / "data" / "chamado.db"
    cli = counter(tmp_path, f"sqlite:///{file}")
    refused(cli, words, str(file))
    assert list(tmp_path.iterdir()) == [cli.config]


def test_a_file_without_a_schema_is_no_database_either(tmp_path: Path) -> None:
    """What another program left empty, or a start that was interrupted."""
    file = tmp_path / "chamado.db"
    file.touch()
    refused(counter(tmp_path, f"sqlite:///{file}"), ("ticket", "list"), str(file))


@pytest.mark.postgres
def test_an_empty_postgresql_stays_empty_when_it_is_looked_at(
    tmp_path: Path, postgres_server: Postgres
) -> None:
    """A reading command makes no schema there; `db upgrade` does, and then it reads."""
    with postgres_server.database(empty=True) as url:
        cli = counter(tmp_path, url)
        for _ in range(2):
            done = cli.run("ticket", "list")
            assert done.code == 66
            assert "there is no database at postgresql://" in done.err
        cli.ok("db", "upgrade")
        assert cli.json("ticket", "list") == []


def test_db_upgrade_makes_what_is_missing(tmp_path: Path) -> None:
    """The way out that the refusal names leads out."""
    cli = counter(tmp_path, f"sqlite:///{tmp_path / 'data' / 'chamado.db'}")
    cli.ok("db", "upgrade")
    assert cli.json("ticket", "list") == []


def test_the_first_case_may_come_by_phone(tmp_path: Path) -> None:
    """What brings a case in makes the database, as mail does."""
    cli = counter(tmp_path, f"sqlite:///{tmp_path / 'data' / 'chamado.db'}")
    case = ("--requester", "a@x.example", "--channel", "phone", "--subject", "x")
    assert cli.json("ticket", "create", *case)["number"] == 1
