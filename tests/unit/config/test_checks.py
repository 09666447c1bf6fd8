"""Contradictions between settings are errors; what is probably not meant, a warning."""

from pathlib import Path

import pytest

from chamado.config.checks import errors
from chamado.config.doubts import warnings
from chamado.config.files import file_errors, file_warnings
from chamado.config.settings import Settings

BOX = {"name": "m", "host": "imap.example", "user": "u"}
SMTP = {"kind": "smtp", "host": "127.0.0.1"}
TRUSTED = {"trusted_authserv_ids": ["mx"]}


@pytest.mark.parametrize(
    ("tables", "keys"),
    [
        ({"mailbox": [BOX | {"tls": "none"}]}, ["mailbox.0.tls"]),
        ({"mailbox": [BOX | {"tls": "none", "host": "127.0.0.1"}]}, []),
        ({"mailbox": [BOX | {"tls": "none", "host": "::1"}]}, []),
        ({"mailbox": [BOX | {"tls": "none", "host": "localhost"}]}, []),
        ({"mailbox": [BOX | {"tls": "none", "host": "10.0.0.1"}]}, ["mailbox.0.tls"]),
        ({"relay": SMTP | {"host": "relay.example"}}, ["relay.tls"]),
        ({"relay": {"host": "relay.example"}}, []),
        ({"relay": SMTP | {"user": "u"}}, ["relay.user"]),
        ({"relay": {"from": "Acme <>"}}, ["relay.from"]),
        ({"relay": {"from": "Acme <a@b.example>"}}, []),
        ({"mailbox": [BOX, BOX]}, ["mailbox.1.name"]),
        ({"mailbox": [BOX | {"address": "x@b.c"}]}, ["mailbox.0.address"]),
        (
            {
                "address": [{"address": "a@b.c", "aliases": ["x@b.c"]}],
                "mailbox": [BOX | {"address": "x@b.c"}],
            },
            [],
        ),
        ({"listener": [{}, {}]}, ["listener.1.listen"]),
        ({"listener": [{"listen": "127.0.0.1:0"}] * 2}, []),
        ({"listener": [{"listen": "127.0.0.1:8025"}]}, ["http.listen"]),
        ({"listener": [{"listen": "127.0.0.1:70000"}]}, ["listener.0.listen"]),
        ({"listener": [{"listen": "unix:/run/x:99999"}]}, []),
        ({"listener": [{"tls_key": "/k"}]}, ["listener.0.tls_certificate"]),
        ({"service": {"timezone": "Mars/Olympus"}}, ["service.timezone"]),
        ({"service": {"timezone": "../../etc/passwd"}}, ["service.timezone"]),
        ({"service": {"domain": "acme example"}}, ["service.domain"]),
        ({"sla": {"hours": "9 to 5"}}, ["sla.hours"]),
        ({"sla": {"hours": "mon-fri 09:00-18:00, sat 09:00-12:00"}}, []),
        ({"database": {"url": "mysql://x"}}, ["database.url"]),
        ({"database": {"url": "sqlite:///x", "url_file": "/x"}}, ["database.url"]),
        ({"database": {"url": "postgresql://u@h/d"}}, []),
        ({"blobs": {"url": "/srv"}}, ["blobs.url"]),
        ({"survey": {"base_url": "support.acme.example"}}, ["survey.base_url"]),
        ({"survey": {"base_url": "https://acme.example/?a=1"}}, ["survey.base_url"]),
        ({"survey": {"base_url": "https://acme.example/#top"}}, ["survey.base_url"]),
        ({"survey": {"base_url": "https://acme.example/support"}}, []),
        (
            {"address": [{"address": "a@b.c", "aliases": ["A@b.c"]}]},
            ["address.0.aliases"],
        ),
        (
            {
                "address": [
                    {"address": "a@b.c", "aliases": ["x@b.c"]},
                    {"address": "b@b.c", "aliases": ["a@b.c", "y@b.c", "x@b.c"]},
                ]
            },
            ["address.1.aliases", "address.1.aliases"],
        ),
        (
            {
                "address": [
                    {"address": "a@b.c", "aliases": ["b@b.c"]},
                    {"address": "b@b.c"},
                ]
            },
            ["address.0.aliases"],
        ),
        (
            {"address": [{"address": "a@b.c"}], "agent": [{"address": "A@b.c"}]},
            ["agent.0.address"],
        ),
    ],
)
def test_contradictions_are_named_by_their_key(
    tables: dict[str, object], keys: list[str]
) -> None:
    """Each rule across settings speaks up for what breaks it, and for nothing else."""
    assert [p.key for p in errors(Settings.model_validate(tables))] == keys


@pytest.mark.parametrize(
    ("after", "good"),
    [
        ("move:Processed", True),
        ("move:INBOX.Fertig ção", True),
        ("flag:$Chamado", True),
        ("seen", True),
        ("keep", True),
        ("move:", False),
        ("move:INBOX", False),
        ("flag:\\Seen", False),
        ("flag:two words", False),
        ("delete", False),
    ],
)
def test_after_is_one_of_four_things(after: str, good: bool) -> None:
    """Nothing that is not understood is ever done to a customer's mailbox."""
    settings = Settings.model_validate({"mailbox": [BOX | {"after": after}]})
    assert (errors(settings) == ()) is good


def test_the_defaults_hold_no_contradiction() -> None:
    """Settings without any input pass their own rules."""
    assert errors(Settings()) == ()


@pytest.mark.parametrize(
    ("ack", "table", "words"),
    [
        ({}, {}, "everybody is acknowledged, and only the caps"),
        ({"require_auth": "aligned"}, {}, "nobody is acknowledged"),
        ({"require_auth": "none"}, {}, None),
        ({"enabled": False}, {}, None),
        ({}, TRUSTED, None),
    ],
)
def test_a_source_that_cannot_tell_is_said_in_words(
    ack: dict[str, object], table: dict[str, object], words: str | None
) -> None:
    """An operator learns what missing trusted_authserv_ids mean before customers do."""
    tables = {"ack": ack, "mailbox": [BOX | table], "address": [{"address": "a@b.c"}]}
    found = [p.message for p in warnings(Settings.model_validate(tables))]
    assert [message for message in found if "imap:m" in message] == found
    assert [words in message for message in found if words] == [True] * bool(words)


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({}, "address"),
        ({}, "listener"),
        ({"relay": SMTP}, "service.domain"),
        ({"http": {"listen": "0.0.0.0:80"}}, "http.listen"),
        ({"listener": [{"listen": "0.0.0.0:25"}]}, "listener.0.tls_certificate"),
        ({"database": {"url": "sqlite:///x.db"}}, "database.url"),
        ({"service": {"data_dir": "/etc/chamado/var"}}, "service.data_dir"),
        ({"survey": {"base_url": "http://acme.example"}}, "survey.base_url"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(
    tables: dict[str, object], key: str
) -> None:
    """It starts, but it says so."""
    settings = Settings.model_validate(tables)
    assert errors(settings) == ()
    assert key in [p.key for p in warnings(settings)]


def test_a_mailbox_needs_a_way_to_log_in() -> None:
    """No password, no file and no command is noticed before the first connection."""
    (problem,) = file_errors(Settings.model_validate({"mailbox": [BOX]}))
    assert problem.key == "mailbox.0.password_file"
    assert "mailbox-m" in problem.hint


def test_files_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    """Secrets, certificates and authorities are tried, each under its own key."""
    missing = str(tmp_path / "missing")
    tables = {
        "mailbox": [BOX | {"password_file": missing, "ca_file": missing}],
        "relay": {"password_file": missing, "ca_file": missing},
        "database": {"url_file": missing},
        "listener": [{"tls_certificate": missing, "tls_key": missing}],
    }
    assert [p.key for p in file_errors(Settings.model_validate(tables))] == [
        "mailbox.0.password_file",
        "relay.password_file",
        "database.url_file",
        "listener.0.tls_certificate",
        "listener.0.tls_key",
        "mailbox.0.ca_file",
        "relay.ca_file",
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("file", "file is no folder"),
        ("file/maildir", "file is no folder"),
        ("new/maildir", ""),
    ],
)
def test_a_maildir_that_cannot_be_written_is_an_error(
    tmp_path: Path, path: str, said: str
) -> None:
    """Letters would wait in the outbox; a relay by SMTP has no maildir."""
    (tmp_path / "file").touch()
    relay = {"path": str(tmp_path / path)}
    found = file_errors(Settings.model_validate({"relay": relay}))
    assert [p.key for p in found] == (["relay.path"] if said else [])
    assert all(said in p.message for p in found)
    assert file_errors(Settings.model_validate({"relay": SMTP | relay})) == ()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o640, 0), (0o644, 1)])
def test_a_secret_everybody_can_read_is_a_warning(
    tmp_path: Path, mode: int, warned: int
) -> None:
    """A password that every user of the machine can read is no secret."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(mode)
    settings = Settings.model_validate({"relay": {"password_file": str(secret)}})
    assert len(file_warnings(settings)) == warned
    assert file_errors(settings) == ()
