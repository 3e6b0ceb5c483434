# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway database``: look after the database of a control plane.

It is the one that the settings name: environment and kong.conf, as for ``kafka-gateway run``.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from gateway.atomic_file import write_atomically
from gateway.commands.failures import in_words
from gateway.errors import GatewayError, SettingsError, StoreError

if TYPE_CHECKING:
    from gateway.control_plane.store import Store
    from gateway.settings.settings import Settings

app = typer.Typer(
    help="Migrate, back up and restore the database of a control plane.", no_args_is_help=True
)

Conf = Annotated[Path | None, typer.Option(help="A kong.conf; the environment wins over it.")]
File = Annotated[Path, typer.Argument(help="The file; - is standard input or output.")]


@app.command()
@in_words
def status(
    conf: Conf = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show where the database is, its form, and what is in it.

    Exit code 1 when it is not in the newest form.
    """
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.control_plane.database.choice import database_of
    from gateway.control_plane.database.survey import survey

    with closing(database_of(_settings(conf))) as database:
        found = survey(database)
    if json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(f"database  {found['database']}")
        typer.echo(f"form      {found['form'] or 'none'}, the newest is {found['newest_form']}")
        typer.echo(f"release   {found['newest_release'] or 'none'}")
        typer.echo("rows      " + (_counted(found["rows"]) or "none"))
    if found["form"] != found["newest_form"]:
        raise typer.Exit(1)


@app.command()
@in_words
def migrate(conf: Conf = None) -> None:
    """Bring the database to the newest form; a control plane does so at its start as well."""
    with closing(_store(conf)) as store:
        before, now = store.open()
    said = f"was in form {before or 'none'}, is in form {now}" if before != now else f"is in {now}"
    typer.echo(f"{store.database.label} {said}")


@app.command()
@in_words
def backup(file: File, conf: Conf = None) -> None:
    """Write everything into a file, mode 0600, while control planes go on.

    What is encrypted stays so: keep the keyring as well, elsewhere.
    """
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.control_plane.database import backup as backups
    from gateway.control_plane.database.choice import database_of

    with closing(database_of(_settings(conf))) as database:
        if not database.exists():
            raise StoreError(f"there is no database {database.label}")
        content, counts = backups.backup(database)
    if str(file) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        write_atomically(file.absolute(), content)
    except OSError as error:
        raise GatewayError(f"cannot write {file}: {error.strerror}") from None
    typer.echo(f"wrote {file}: {len(content)} bytes, {_counted(counts)}")


@app.command()
@in_words
def restore(
    file: File,
    conf: Conf = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Lose what is in the database now.")
    ] = False,
) -> None:
    """Put a backup into the database, of either kind, whole or not at all.

    All its control planes must be stopped.
    """
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.control_plane.database import backup as backups

    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise GatewayError(f"cannot read {file}: {error.strerror}") from None
    with closing(_store(conf)) as store:
        store.open()
        counts = backups.restore(store, content, replace=replace)
    typer.echo(f"restored {store.database.label}: {_counted(counts)}")


def _settings(conf: Path | None) -> Settings:
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.settings.settings import Settings
    from gateway.settings.sources import collect

    values = {**collect(os.environ, conf), "role": "control_plane"}
    # Nothing else of a control plane is asked for: where it listens, its certificates.
    settings = Settings.parse(values)
    if settings.store == "off":
        raise SettingsError("KONG_DATABASE: off has no database; set it to sqlite or postgres")
    if settings.store == "postgres":
        problems = list(settings.postgres_contradictions())
        if problems:
            raise SettingsError(*problems)
    return settings


def _store(conf: Path | None) -> Store:
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.control_plane.database.choice import database_of, keyring_of
    from gateway.control_plane.store import Store

    settings = _settings(conf)
    if settings.store == "postgres" and settings.keyring_file is None:
        raise SettingsError("KONG_KEYRING_FILE: needed with KONG_DATABASE=postgres")
    return Store(database_of(settings), keyring_of(settings))


def _counted(counts: dict[str, int]) -> str:
    found = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
    return found or "no rows"
