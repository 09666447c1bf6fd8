"""`backup` and `restore`: all is in it, damage is found, nothing written over."""

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from chamado.daemon.store.engine import Store
from chamado.daemon.store.schema import secret_key
from tests.support.counter import CONFIG, Counter, counter
from tests.support.house import House, message
from tests.support.postgres import Postgres

SECRET = "s3cr3t-relay-password"


@pytest.fixture
def full(home: House, tmp_path: Path, database_url: str) -> Counter:
    """A command line whose database and blob store hold something of every kind."""
    home.mail(message())
    home.mail(message("z" * 300_000, message_id="<large@example.com>"))
    home.take(message("w" * 200_000, message_id="<waits@example.com>"))
    more = f'[relay]\nkind = "smtp"\nuser = "u"\npassword = "{SECRET}"\n'
    return counter(tmp_path, database_url, more=more)


@pytest.fixture
def elsewhere(
    tmp_path: Path, database_url: str, request: pytest.FixtureRequest
) -> Iterator[Counter]:
    """Another machine of the same kind, with nothing on it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    if database_url.startswith("sqlite"):
        yield counter(folder, f"sqlite:///{folder / 'data' / 'chamado.db'}")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database(empty=True) as url:
        yield counter(folder, url)


def backup(cli: Counter, folder: Path) -> Path:
    cli.ok("backup", folder)
    return folder


def test_a_restored_backup_is_the_same_desk(
    home: House, full: Counter, elsewhere: Counter, tmp_path: Path
) -> None:
    """Cases, ledgers, letters and every byte are there again, and proven."""
    folder = backup(full, tmp_path / "backup")
    full.ok("restore", folder, "--verify")
    elsewhere.ok("restore", folder)
    for command in (
        ("ticket", "list", "--all"),
        ("ticket", "show", 1),
        ("ticket", "show", 2),
        ("inbox", "list"),
        ("outbox", "list"),
        ("why", 2),
    ):
        assert elsewhere.json(*command) == full.json(*command)
    for id_ in (1, 2, 3):
        raw = elsewhere.ok("inbox", "show", id_, "--raw").raw
        assert raw == full.ok("inbox", "show", id_, "--raw").raw
    elsewhere.ok("doctor", "--ledger")


def test_old_mail_still_finds_its_case_after_a_restore(
    home: House, full: Counter, elsewhere: Counter, tmp_path: Path
) -> None:
    """The signing keys are in the backup, so our marks in old letters still hold."""
    elsewhere.ok("restore", backup(full, tmp_path / "backup"))
    created = elsewhere.json(
        *("ticket", "create", "--requester", "x@x.example", "--subject", "x"),
        *("--channel", "web"),
    )
    assert created["number"] > 2
    with home.store.read() as work:
        ours = work.execute(select(secret_key.c.secret)).scalars().all()
    url = elsewhere.config.read_text().partition('url = "')[2].partition('"')[0]
    store = Store(url)
    with store.read() as work:
        theirs = work.execute(select(secret_key.c.secret)).scalars().all()
    store.close()
    assert ours == theirs


def test_secrets_of_the_configuration_stay_out(full: Counter, tmp_path: Path) -> None:
    """Neither file of settings holds a password; both still say all the rest."""
    folder = backup(full, tmp_path / "backup")
    for name in ("settings.json", "chamado.toml"):
        text = (folder / name).read_text()
        assert SECRET not in text
        assert "acme.example" in text
    assert json.loads((folder / "settings.json").read_text())["relay.user"] == "u"


def test_a_backup_is_private(full: Counter, tmp_path: Path) -> None:
    """Nobody else can enter the folder or read a file of it."""
    before = os.umask(0)
    try:
        folder = backup(full, tmp_path / "backup")
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_backup_is_not_mixed_with_anything(full: Counter, tmp_path: Path) -> None:
    """A folder that holds something is refused and left as it is."""
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "mine").write_text("x")
    assert full.run("backup", folder).code == 73
    assert [p.name for p in folder.iterdir()] == ["mine"]


def test_a_backup_that_lacks_a_blob_is_none(
    home: House, full: Counter, tmp_path: Path
) -> None:
    """A missing blob fails the backup and leaves no manifest behind."""
    home.blobs.delete(home.fate(2)["sha256"])
    done = full.run("backup", tmp_path / "backup")
    assert done.code == 66
    assert "is missing" in done.err
    assert full.run("restore", tmp_path / "backup", "--verify").code == 66


def blob_of(folder: Path) -> Path:
    return next(p for p in (folder / "blobs").rglob("*") if p.is_file())


def cut_database(folder: Path) -> None:
    file = next(folder.glob("chamado.d*"))
    file.write_bytes(file.read_bytes()[:-100])


def cut_blob(folder: Path) -> None:
    file = blob_of(folder)
    file.write_bytes(file.read_bytes()[:-1])


def flip_blob(folder: Path) -> None:
    file = blob_of(folder)
    content = bytearray(file.read_bytes())
    content[7] ^= 1
    file.write_bytes(content)


def lose_blob(folder: Path) -> None:
    blob_of(folder).unlink()


def lose_blobs(folder: Path) -> None:
    shutil.rmtree(folder / "blobs")


def spoil_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 1}')


def point_outside(folder: Path) -> None:
    found = json.loads((folder / "manifest.json").read_text())
    found["database"] = "../../../etc/passwd"
    (folder / "manifest.json").write_text(json.dumps(found))


@pytest.mark.parametrize(
    "damage",
    [
        cut_database,
        cut_blob,
        flip_blob,
        lose_blob,
        lose_blobs,
        spoil_manifest,
        point_outside,
    ],
)
def test_damage_is_found_before_anything_is_written(
    full: Counter, elsewhere: Counter, tmp_path: Path, damage: object
) -> None:
    """Whatever happened to a backup, it is said with 65, and nothing is restored."""
    folder = backup(full, tmp_path / "backup")
    damage(folder)  # type: ignore[operator]  # one of the functions above
    assert full.run("restore", folder, "--verify").code == 65
    assert elsewhere.run("restore", folder).code == 65
    assert not (elsewhere.config.parent / "data").exists()


def test_nothing_is_written_over(
    home: House, full: Counter, elsewhere: Counter, tmp_path: Path
) -> None:
    """Where there is a database, or anything in the data folder, restore refuses."""
    folder = backup(full, tmp_path / "backup")
    before = full.json("ticket", "list", "--all")
    assert full.run("restore", folder).code == 73
    assert full.json("ticket", "list", "--all") == before
    data = elsewhere.config.parent / "data"
    data.mkdir()
    (data / "mine").write_text("x")
    assert elsewhere.run("restore", folder).code == 73
    assert [p.name for p in data.iterdir()] == ["mine"]


def test_an_interrupted_restore_goes_on(
    full: Counter, elsewhere: Counter, tmp_path: Path
) -> None:
    """What a killed restore left behind does not keep the next one from ending it."""
    folder = backup(full, tmp_path / "backup")
    data = elsewhere.config.parent / "data"
    blob = blob_of(folder)
    left = data / "blobs" / blob.parent.name
    left.mkdir(mode=0o700, parents=True)
    (data / "blobs").chmod(0o700)
    shutil.copy(blob, left / blob.name)
    (data / "restoring").touch()
    elsewhere.ok("restore", folder)
    elsewhere.ok("doctor", "--ledger")
    assert not (data / "restoring").exists()


def test_a_backup_goes_back_into_its_own_kind(
    full: Counter, tmp_path: Path, database_url: str
) -> None:
    """A copy of SQLite is not poured into PostgreSQL, nor the other way round."""
    folder = backup(full, tmp_path / "backup")
    other = tmp_path / "other"
    other.mkdir()
    sqlite = database_url.startswith("sqlite")
    url = "postgresql://x@/y?host=/z" if sqlite else f"sqlite:///{other / 'a.db'}"
    done = counter(other, url, text=CONFIG).run("restore", folder)
    assert done.code == 65
    assert not (other / "data").exists()


def test_a_backup_taken_while_mail_comes_in_is_whole(
    home: House, full: Counter, tmp_path: Path
) -> None:
    """Backups between arrivals are each whole and hold what was there by then."""
    counts = []
    for number in range(3):
        home.mail(message("y" * 150_000, message_id=f"<{number}@y.example>"))
        folder = backup(full, tmp_path / f"backup-{number}")
        full.ok("restore", folder, "--verify")
        counts.append(len([p for p in folder.rglob("*") if p.is_file()]))
    assert counts == sorted(set(counts))


def test_there_is_nothing_to_back_up_before_the_first_run(tmp_path: Path) -> None:
    """Without a database the command says so and makes neither one nor a folder."""
    cli = counter(tmp_path, f"sqlite:///{tmp_path / 'none.db'}")
    assert cli.run("backup", tmp_path / "backup").code == 66
    assert not (tmp_path / "none.db").exists()
    assert not (tmp_path / "backup").exists()
