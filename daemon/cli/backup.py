"""`chamado backup` and `restore`: a copy of everything, checked and put back."""

import dataclasses
from pathlib import Path

import click

from chamado.config.units import in_bytes
from chamado.daemon import backup as backups
from chamado.daemon import parts
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    print_json,
    settings_of,
)
from chamado.daemon.refusal import BadData

SHOWN = 20
folder_argument = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path)
)


@click.command("backup")
@config_option
@json_option
@folder_argument
@click.pass_context
def backup(context: click.Context, folder: Path, as_json: bool) -> None:
    """Copy database, blobs and settings into DIR, while the daemon works on.

    DIR must be new or empty. Whoever can read it can read all mail, and sign letters
    as we do.
    """
    loaded = settings_of(context)
    store = parts.find_store(loaded.settings)
    try:
        blobs = parts.find_blob_store(loaded.settings)
        now = parts.utc_now()
        manifest = backups.back_up(loaded, store, blobs, folder.absolute(), now)
    finally:
        store.close()
    if as_json:
        print_json(_document(folder, manifest))
        return
    click.echo(f"{folder}: {_said(manifest)}")
    click.echo(f"check it: chamado restore {folder} --verify")


@click.command("restore")
@config_option
@json_option
@folder_argument
@click.option("--verify", is_flag=True, help="Only check the backup.")
@click.pass_context
def restore(context: click.Context, folder: Path, verify: bool, as_json: bool) -> None:
    """Put a backup back; refuses wherever something would be written over."""
    manifest = backups.read(folder)
    wrong = list(backups.troubles(folder, manifest))
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise BadData(f"{folder} is damaged: {'; '.join(wrong[:SHOWN])}{more}")
    if not verify:
        backups.restore(settings_of(context), folder.absolute(), manifest)
    if as_json:
        print_json(_document(folder, manifest))
        return
    done = "is whole" if verify else "is restored; `chamado doctor --ledger` proves it"
    click.echo(terminal.line(f"{folder} of {manifest.created_at} {done}"))
    click.echo(_said(manifest))


def _said(manifest: backups.Manifest) -> str:
    blobs = sum(size for _, size in manifest.blobs)
    return (
        f"{manifest.database} ({in_bytes(manifest.size)}) and "
        f"{len(manifest.blobs)} blobs ({in_bytes(blobs)})"
    )


def _document(folder: Path, manifest: backups.Manifest) -> dict[str, object]:
    found = dataclasses.asdict(manifest)
    return {"folder": str(folder), **found, "blobs": len(manifest.blobs)}
