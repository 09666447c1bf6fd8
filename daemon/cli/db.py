"""`chamado db`: the schema, brought up to date explicitly."""

import click

from chamado.config import derive
from chamado.daemon import parts
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    print_json,
    settings_of,
)
from chamado.daemon.store import upgrade
from chamado.daemon.store.engine import Store


@click.group("db")
def db_group() -> None:
    """Bring the schema up to date, or check it."""


@db_group.command("upgrade")
@config_option
@json_option
@click.pass_context
def db_upgrade(context: click.Context, as_json: bool) -> None:
    """Run the missing steps in one transaction; safe to interrupt and to repeat."""
    settings = settings_of(context).settings
    parts.data_dir(settings)
    store = Store(derive.database_url(settings))
    try:
        before, after = upgrade.upgrade(store)
    finally:
        store.close()
    if as_json:
        print_json({"before": before, "schema": after})
        return
    click.echo(f"the database is at {after} (it was at {before or 'nothing'})")


@db_group.command("check")
@config_option
@json_option
@click.pass_context
def db_check(context: click.Context, as_json: bool) -> None:
    """Exit 0 when this version knows the schema and commits are durable, else 78.

    66 when there is no database yet.
    """
    store = parts.find_store(settings_of(context).settings)
    try:
        store.check_durable()
        damage = store.damage()
    finally:
        store.close()
    if damage:
        raise upgrade.UnknownSchema(
            f"the database file is damaged ({damage}); restore the last backup"
        )
    if as_json:
        print_json({"schema": upgrade.head(), "durable": True, "sound": True})
        return
    click.echo(f"the database is at {upgrade.head()}, durable and sound")
