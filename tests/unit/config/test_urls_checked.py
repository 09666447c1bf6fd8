"""URLs that lead nowhere are told before anything connects, without a word of them."""

import re

import pytest

from chamado.config import urls
from chamado.config.checks import errors
from chamado.config.derive import SecretError, database_url
from chamado.config.problems import Problem
from chamado.config.settings import Database, Settings


def judged(url: str) -> Problem | None:
    """Return what is said of the URL of a database."""
    found = errors(Settings.model_validate({"database": {"url": url}}))
    assert all(problem.key == "database.url" for problem in found)
    return found[0] if found else None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:x/db",
        "postgresql://u:p@h:0/db",
        "postgresql://h:65536/db",
        "postgresql://u:pa@zebra@h/db",
        "postgresql://u:pa@zebra:word@h/db",
        "postgresql://u:pa@zeb/ra@h:5432/db",
        "postgresql+psycopg://u:pa@zeb?ra@h/db",
        "postgresql://u:pa@zebra@[::1]:5432/db",
    ],
)
def test_a_port_or_password_that_is_misread_is_told_without_a_word_of_it(
    url: str,
) -> None:
    """After a password with an @ its end would be taken, and shown, as the host."""
    found = judged(url)
    assert found is not None
    assert not re.search(r"zeb|ra@|\bword\b|pa@", str(found))
    assert ("@" in found.message) == ("zeb" in url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///db",
        "postgresql://h/db",
        "postgresql://u@h:5432/db",
        "postgresql://u:p%40ss@h/db",
        "postgresql://u@corp:p@h/db",
        "postgresql://u:p@[::1]:5432/db?sslmode=verify-full&options=a@b",
        "postgresql://u:p@/db?host=/run/postgresql",
        "postgresql+psycopg://u:p@h:/db",
        "sqlite:////var/lib/a@b/c@d.db",
    ],
)
def test_what_the_library_reads_as_it_is_meant_is_taken(url: str) -> None:
    """Nothing that connected before is refused."""
    assert judged(url) is None


def test_a_database_or_bucket_without_its_extra_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the settings need and nobody installed is no surprise at the start."""
    monkeypatch.setattr(urls, "find_spec", lambda name: None)
    tables = {"database": {"url": "postgresql://h/d"}, "blobs": {"url": "s3://b/p"}}
    found = errors(Settings.model_validate(tables))
    assert [(p.key, p.hint) for p in found] == [
        ("database.url", "pip install 'chamado[postgres]'"),
        ("blobs.url", "pip install 'chamado[s3]'"),
    ]


def test_a_url_out_of_a_file_is_judged_in_the_same_way(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The file is named and its words are not repeated."""
    file = tmp_path_factory.mktemp("credentials") / "database"
    file.write_text("postgresql://u:pa@zebra@h/db\n")
    with pytest.raises(SecretError, match="holds one @ more") as caught:
        database_url(Settings(database=Database(url_file=file)))
    assert str(file) in str(caught.value)
    assert "zebra" not in str(caught.value)
