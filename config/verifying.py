"""What a door must have before it can tell by itself who wrote (`verify`)."""

from collections.abc import Iterator
from importlib.util import find_spec

from chamado.config.problems import Problem
from chamado.config.settings import Settings

#: What the extra brings.
LIBRARIES = ("dkim", "dns", "spf")


def problems(settings: Settings) -> Iterator[Problem]:
    """Say where `verify` cannot work."""
    for number, listener in enumerate(settings.listener):
        if not listener.verify:
            continue
        key = f"listener.{number}.verify"
        if listener.protocol == "lmtp":
            message = "by LMTP the sender's host is not known"
            hint = "let the mail server verify, and name it in trusted_authserv_ids"
            yield Problem(key=key, message=message, hint=hint)
        if listener.trusted_authserv_ids:
            message = "a door verifies itself or trusts a server, not both"
            hint = "behind a mail server of yours only trusted_authserv_ids is right"
            yield Problem(key=key, message=message, hint=hint)
        if missing := [name for name in LIBRARIES if find_spec(name) is None]:
            message = f"needs {', '.join(missing)}, which are not installed"
            hint = "pip install 'chamado[mailauth]'"
            yield Problem(key=key, message=message, hint=hint)
