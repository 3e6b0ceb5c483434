# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway config``: decK files against a control plane, published as one release."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from gateway.atomic_file import write_atomically
from gateway.commands.admin_client import DEFAULT_URL, Authority, TokenFile, Url, admin_api
from gateway.commands.failures import in_words
from gateway.errors import CommandFailed

if TYPE_CHECKING:
    from gateway.control_plane.page.changes import EntityChange
    from gateway.documents.deck_files import DeckFiles
    from gateway.http.json_api import JsonApi

app = typer.Typer(help="Check, compare, publish and convert decK files.", no_args_is_help=True)

Files = Annotated[
    list[str], typer.Argument(help="decK files, folders with such, or - for standard input.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Owner = Annotated[
    str,
    typer.Option(
        envvar="KAFKA_GATEWAY_OWNER", help="Whose entities these are; a stack's is stack-<name>."
    ),
]
SelectTags = Annotated[
    list[str] | None,
    typer.Option(help="Only entities with this tag, or all of several; each gets it."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="A file, that only its owner may read; else standard output."
    ),
]
DEFAULT_OWNER = "config"
"""As of ``POST /config``."""


@app.command()
@in_words
def validate(files: Files) -> None:
    """Check decK files without a control plane; every mistake is told with its file and path."""
    from gateway.plugins.warnings import configuration_warnings

    found = _read(files)
    for text in configuration_warnings(found.table):
        typer.echo(f"warning: {text}", err=True)
    typer.echo(f"{found.source}: right")


@app.command()
@in_words
def diff(
    files: Files,
    owner: Owner = DEFAULT_OWNER,
    select_tag: SelectTags = None,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Show what a sync would change; exit code 0 when nothing, 2 when something, 1 for errors."""
    api = admin_api(url, token_file, ca)
    changes = _changes(api, _read(files, select_tag), owner)
    _show(changes, json, owner)
    if changes:
        raise typer.Exit(2)


@app.command()
@in_words
def sync(
    files: Files,
    owner: Owner = DEFAULT_OWNER,
    select_tag: SelectTags = None,
    message: Annotated[str | None, typer.Option(help="A text for the list of releases.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    wait: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds to wait for data planes.")
    ] = 10.0,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Make the control plane have what the files say, and no more of this owner, as one release.

    On a terminal it asks before it deletes. What breaks off changes nothing.
    """
    api, found = admin_api(url, token_file, ca), _read(files, select_tag)
    changes = _changes(api, found, owner)
    if not json:
        _show(changes, json, owner)
    if not changes or dry_run:
        if json:
            _show(changes, json, owner)
        return
    if not yes:
        _ask_before_deleting(changes)
    made = _publish(api, found, owner, message, wait)
    if json:
        _show(changes, json, owner, release=made)
    elif made["unchanged"]:
        typer.echo(f"release {made['number']} has that content already")
    else:
        typer.echo(f"published as release {made['number']}")


@app.command()
@in_words
def dump(
    owner: Owner = DEFAULT_OWNER,
    unowned: Annotated[
        bool,
        typer.Option("--unowned", help="What belongs to nobody, as decK makes it."),
    ] = False,
    select_tag: SelectTags = None,
    output: Output = None,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Write what an owner has as a decK file, with its secrets.

    A sync of a dump of what belongs to nobody takes it over, by the ids in the file.
    """
    from gateway.commands.configuration.live import compatibility, configuration, newest
    from gateway.control_plane.ownership import has_tags, owns_anything, unowned_document
    from gateway.documents.deck_writer import as_deck
    from gateway.documents.document import from_table
    from gateway.documents.yaml_text import write_yaml
    from gateway.settings.compatibility import version_of

    api = admin_api(url, token_file, ca)
    live = configuration(api, newest(api))
    if not unowned and not owns_anything(live, owner):
        raise CommandFailed(f'owner "{owner}" has no entities')
    tags = select_tag or []
    tagged = {name: [one for one in rows if has_tags(one, tags)] for name, rows in live.items()}
    with version_of(compatibility(api)):
        document = unowned_document(tagged) if unowned else from_table(tagged, owner)
        file = as_deck(document, "" if unowned else owner, tags)
    _write(orjson.dumps(file).decode() + "\n" if json else write_yaml(file), output)


@app.command()
@in_words
def convert(
    file: Annotated[str, typer.Argument(help="A decK file of any format, or -.")],
    output: Output = None,
) -> None:
    """Write a decK file of the formats 0.1, 1.1 and 2.1 as one of 3.0; its templates stay."""
    from gateway.documents.deck_files import converted

    _write(converted(file, sys.stdin.buffer.read), output)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(text.encode())  # whatever the terminal has
        sys.stdout.buffer.flush()
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise CommandFailed(f"cannot write {output}: {error.strerror}") from None


def _read(files: list[str], select_tags: list[str] | None = None) -> DeckFiles:
    from gateway.documents.deck_files import read_files

    return read_files(files, os.environ, sys.stdin.buffer.read, select_tags or ())


def _changes(api: JsonApi, found: DeckFiles, owner: str) -> list[EntityChange]:
    import time

    from gateway.commands.configuration.live import compatibility, configuration, newest
    from gateway.control_plane.ownership import merge
    from gateway.control_plane.page.changes import entity_changes
    from gateway.settings.compatibility import version_of

    live = configuration(api, newest(api))
    with version_of(compatibility(api)):
        wanted = merge(live, owner, found.document, int(time.time()), found.select_tags)
        return entity_changes(live, wanted)


def _show(changes: list[EntityChange], json: bool, owner: str, **more: Any) -> None:
    from gateway.commands.configuration.shown import as_json, console, show_changes

    if json:
        typer.echo(orjson.dumps(as_json(changes, owner=owner, **more)))
    else:
        show_changes(changes, console())


def _ask_before_deleting(changes: list[EntityChange]) -> None:
    gone = sum(change.kind == "removed" for change in changes)
    if gone and sys.stdin.isatty() and sys.stderr.isatty():
        question = f"Delete {gone} {'entity' if gone == 1 else 'entities'}?"
        if not typer.confirm(question, err=True):
            raise CommandFailed("nothing was changed")


def _publish(
    api: JsonApi, found: DeckFiles, owner: str, message: str | None, wait: float
) -> dict[str, Any]:
    from rich.console import Console

    from gateway.commands.configuration.live import publish
    from gateway.commands.configuration.shown import show_warnings

    errors = Console(stderr=True, soft_wrap=True)
    body: dict[str, Any] = {"owner": owner, "document": found.document}
    body |= {"select_tags": found.select_tags, "message": message or "config sync"}
    with errors.status("publishing, and waiting for the data planes …"):
        made = publish(api, "/releases", body, wait)
    show_warnings(made, errors)
    return made
