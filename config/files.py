"""Whether the files that settings name are of use, to this user and at this moment.

Asked by `config check`, by `doctor` and before `run`, not by every command: somebody
who lists tickets needs no mailbox password.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chamado.config import certificates, urls
from chamado.config.derive import SecretError, read_secret
from chamado.config.problems import Problem
from chamado.config.settings import Settings


def _secret_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    for number, mailbox in enumerate(settings.mailbox):
        if mailbox.password_file:
            yield f"mailbox.{number}.password_file", mailbox.password_file
    if settings.relay.password_file:
        yield "relay.password_file", settings.relay.password_file
    if settings.database.url_file:
        yield "database.url_file", settings.database.url_file


def _plain_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    for number, listener in enumerate(settings.listener):
        if listener.tls_certificate:
            yield f"listener.{number}.tls_certificate", listener.tls_certificate
        if listener.tls_key:
            yield f"listener.{number}.tls_key", listener.tls_key
    for number, mailbox in enumerate(settings.mailbox):
        if mailbox.ca_file:
            yield f"mailbox.{number}.ca_file", mailbox.ca_file
    if settings.relay.ca_file:
        yield "relay.ca_file", settings.relay.ca_file


def file_errors(settings: Settings) -> tuple[Problem, ...]:
    """Say which secrets are missing and which files and folders are of no use."""
    return (
        *_without_secret(settings),
        *_unreadable_secrets(settings),
        *_unreadable_files(settings),
        *_unusable_database(settings),
        *_unusable_certificates(settings),
        *_unusable_maildir(settings),
    )


def _without_secret(settings: Settings) -> Iterator[Problem]:
    for number, m in enumerate(settings.mailbox):
        if not (m.password or m.password_file or m.token_command):
            yield Problem(
                key=f"mailbox.{number}.password_file",
                message=f"mailbox {m.name} has no way to log in",
                hint="set password_file or token_command, or pass the systemd "
                f"credential mailbox-{m.name}",
            )


def _unreadable_secrets(settings: Settings) -> Iterator[Problem]:
    for key, path in _secret_files(settings):
        try:
            read_secret(path)
        except SecretError as trouble:
            hint = "its first line is the secret"
            yield Problem(key=key, message=str(trouble), hint=hint)


def _unreadable_files(settings: Settings) -> Iterator[Problem]:
    for key, path in _plain_files(settings):
        if trouble := _unread(path):
            yield Problem(key=key, message=f"{path}: {trouble}")


def _unread(path: Path) -> str:
    try:
        path.open("rb").close()
    except OSError as trouble:
        return str(trouble.strerror)
    return ""


def _unusable_database(settings: Settings) -> Iterator[Problem]:
    """What a file says that can be read; the setting itself is judged at loading."""
    if file := settings.database.url_file:
        with suppress(SecretError):
            if wrong := urls.database_problem(read_secret(file)):
                message = f"{file}: {wrong.message}"
                yield replace(wrong, key="database.url_file", message=message)


def _unusable_certificates(settings: Settings) -> Iterator[Problem]:
    """What can be read and still is no certificate, key or authority."""
    for number, listener in enumerate(settings.listener):
        certificate, key = listener.tls_certificate, listener.tls_key
        if not (certificate and key) or _unread(certificate) or _unread(key):
            continue
        if trouble := certificates.pair_trouble(certificate, key):
            yield Problem(
                key=f"listener.{number}.tls_certificate",
                message=f"{certificate} with {key}: {trouble}",
                hint="both in PEM, our own certificate first in its chain",
            )
    for name, file in _plain_files(settings):
        if not name.endswith(".ca_file") or _unread(file):
            continue
        if trouble := certificates.authority_trouble(file):
            hint = "certificates of authorities in PEM, or leave it out"
            yield Problem(key=name, message=f"{file}: {trouble}", hint=hint)


def _unusable_maildir(settings: Settings) -> Iterator[Problem]:
    """Look at a maildir that was named: letters that cannot be written wait for ever.

    The default place is in the data folder, which need not be ours to look into.
    """
    path = settings.relay.path
    if settings.relay.kind != "maildir" or path is None:
        return
    nearest = next(p for p in (path.absolute(), *path.absolute().parents) if _mode(p))
    if not nearest.is_dir():
        why = f"{nearest} is no folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        why = f"{nearest} cannot be written by this user"
    else:
        return
    hint = "name a folder that the service may write to, or make it"
    yield Problem(key="relay.path", message=why, hint=hint)


def file_warnings(settings: Settings) -> tuple[Problem, ...]:
    """Return the secret files that other users of this machine can read."""
    secret = list(_secret_files(settings))
    keys = [(k, p) for k, p in _plain_files(settings) if k.endswith(".tls_key")]
    return tuple(
        Problem(
            key=key,
            message=f"{path} can be read by every user of this machine",
            hint=f"chmod 600 {path}",
        )
        for key, path in (*secret, *keys)
        if _mode(path) & stat.S_IROTH
    )


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
