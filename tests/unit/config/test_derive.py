"""What follows from the settings: recipients, own addresses, trust, secrets."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from chamado.config.address import Address, shown_address
from chamado.config.derive import (
    SecretError,
    blobs_url,
    database_url,
    known_recipient,
    own_addresses,
    password,
    relay_from,
    relay_path,
    support_address_for,
    trusted_authserv_ids,
)
from chamado.config.settings import Relay, Settings

ACME = Settings.model_validate(
    {
        "service": {"name": "Acme", "data_dir": "/data"},
        "address": [
            {"address": "Suporte@acme.example", "aliases": ["help@acme.example"]},
            {"address": "vip@acme.example", "team": "vip", "subaddress": True},
        ],
        "listener": [
            {"listen": "127.0.0.1:25", "trusted_authserv_ids": ["mx"]},
            {
                "protocol": "lmtp",
                "listen": "unix:/run/l",
                "trusted_authserv_ids": ["l"],
            },
        ],
        "mailbox": [
            {"name": "m", "host": "h", "user": "u", "trusted_authserv_ids": ["i"]}
        ],
        "relay": {"from": "Acme <robot@acme.example>"},
    }
)


@pytest.mark.parametrize(
    ("recipient", "known"),
    [
        ("suporte@acme.example", True),
        ("SUPORTE@ACME.example", True),
        ("help@acme.example", True),
        ("vip+abc@acme.example", True),
        ("vip+a+b@acme.example", True),
        ("suporte+abc@acme.example", False),
        ("robot@acme.example", False),
        ("postmaster@acme.example", True),
        ("Postmaster", True),
        ("postmaster@other.example", False),
        ("vip@acme.example.evil", False),
        ("+x@acme.example", False),
        ("vip", False),
        ("", False),
    ],
)
def test_only_configured_recipients_are_known(recipient: str, known: bool) -> None:
    """Addresses, aliases, sub-addresses where they are allowed, and postmaster, whom
    every door must know (RFC 5321 §4.5.1): nobody else."""
    assert known_recipient(ACME)(recipient) is known


def test_own_addresses_hold_everything_we_write_from() -> None:
    """Mail from any of these is our own echo."""
    assert own_addresses(ACME) == {
        "suporte@acme.example",
        "help@acme.example",
        "vip@acme.example",
        "robot@acme.example",
    }


def test_the_first_known_recipient_decides_the_support_address() -> None:
    """Strangers among the recipients are passed over; none at all means the first."""
    wanted = support_address_for(ACME, ["x@y.example", "VIP+t@acme.example"])
    assert wanted.team == "vip"
    assert support_address_for(ACME, []).address == "suporte@acme.example"
    assert support_address_for(Settings(), []).address == "support@localhost"


def test_trust_is_looked_up_by_the_name_of_the_source() -> None:
    """A source trusts the servers its own table names, and an unknown one nobody."""
    names = ("smtp:127.0.0.1:25", "lmtp:unix:/run/l", "imap:m", "file", "imap:x")
    assert [trusted_authserv_ids(ACME, name) for name in names] == [
        ("mx",),
        ("l",),
        ("i",),
        (),
        (),
    ]


def test_places_follow_from_the_data_folder() -> None:
    """Database, blobs and the maildir lie together unless they are told otherwise."""
    assert database_url(ACME) == "sqlite:////data/chamado.db"
    assert blobs_url(ACME) == "file:///data/blobs"
    assert relay_path(ACME) == Path("/data/outgoing")


def test_the_sender_follows_from_relay_or_service() -> None:
    """`relay.from` wins; without it the service's name and first address speak."""
    assert relay_from(ACME) == Address(name="Acme", address="robot@acme.example")
    assert relay_from(Settings()) == Address(
        name="Support", address="support@localhost"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Acme Suporte <S@acme.example>", "Acme Suporte"),
        ('"Acme, Suporte" <s@acme.example>', "Acme, Suporte"),
        ("<s@acme.example>", ""),
        ("s@acme.example", ""),
    ],
)
def test_a_shown_address_is_read_with_its_name(text: str, name: str) -> None:
    """The form people know from their mail programs is understood."""
    assert shown_address(text) == Address(name=name, address="s@acme.example")


@pytest.mark.parametrize("text", ["", "Acme", "a@b <c>", "a@b.c, d@e.f", "x <a@b> y"])
def test_a_shown_address_refuses_what_it_does_not_understand(text: str) -> None:
    """Two addresses or half of one never become a sender."""
    with pytest.raises(ValueError, match="no mail address"):
        shown_address(text)


def test_a_password_is_read_at_the_moment_of_use(tmp_path: Path) -> None:
    """A rotated file counts at the next connection, without its line end."""
    file = tmp_path / "secret"
    relay = Relay(password_file=file)
    for secret in ("first", " second "):
        file.write_text(f"{secret}\r\nnot this\n")
        assert password(relay) == secret
    assert password(Relay(password=SecretStr("direct"))) == "direct"
    assert password(Relay()) is None


@pytest.mark.parametrize("content", [None, b"", b"\nx", b"\xff"])
def test_an_unusable_secret_file_is_named_without_its_content(
    tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty and binary files are told apart from a wrong password."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SecretError, match=str(file)):
        password(Relay(password_file=file))
