"""`chamado doctor`: one line a check, with the way out; exit 1 when something fails."""

from collections.abc import Iterable, Iterator

import click

from chamado.config.load import Loaded
from chamado.daemon import doctor_mail, parts, proof
from chamado.daemon.checkup import Check, Health
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    opened,
    print_json,
    settings_of,
)
from chamado.daemon.doctor import examine


@click.command("doctor")
@config_option
@json_option
@click.option("--ledger", is_flag=True, help="Prove that accepted = sum of outcomes.")
@click.option("--send-test", metavar="ADDR", help="Send one letter, for real.")
@click.pass_context
def doctor(
    context: click.Context, ledger: bool, send_test: str | None, as_json: bool
) -> None:
    """Look whether all is well: settings, database, disk, mailboxes, relay.

    Changes nothing and sends nothing, except with --send-test. With --ledger only the
    ledger is looked at: every message ever accepted, and every byte of it.
    """
    checks = _proof(context) if ledger else _checks(settings_of(context), send_test)
    healthy = _print_json(checks) if as_json else _print(checks)
    if not healthy:
        raise SystemExit(1)


def _checks(loaded: Loaded, send_test: str | None) -> Iterator[Check]:
    yield from examine(loaded)
    if send_test is not None:
        yield from doctor_mail.send_test(loaded, send_test)


def _proof(context: click.Context) -> Iterator[Check]:
    with opened(context) as (settings, store):
        yield from proof.prove(store, parts.find_blob_store(settings))


def _print(checks: Iterable[Check]) -> bool:
    worst = Health.OK
    for check in checks:
        click.echo(terminal.line(str(check)))
        worst = check.status if check.status is Health.FAIL else worst
    return worst is not Health.FAIL


def _print_json(checks: Iterable[Check]) -> bool:
    found = list(checks)
    print_json(
        [
            {"check": c.check, "status": c.status.value, "what": c.what, "fix": c.fix}
            for c in found
        ]
    )
    return all(check.status is not Health.FAIL for check in found)
