# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway release``: what a control plane has published, and the way back."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated, Any

import orjson
import typer

from gateway.commands.admin_client import (
    DEFAULT_URL,
    Authority,
    TokenFile,
    Url,
    admin_api,
    ask,
    rows,
)
from gateway.commands.failures import in_words
from gateway.errors import CommandFailed

app = typer.Typer(help="List, show, compare and roll back releases.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[str, typer.Argument(help="Its number, or newest.")]
Wait = Annotated[float, typer.Option(min=0, max=600, help="Seconds to wait for data planes.")]
Message = Annotated[str | None, typer.Option(help="A text for the list of releases.")]
_PAGE = 100
_SHOWN = ("number", "hash", "created_at", "who", "from", "with", "message")


@app.command("list")
@in_words
def list_(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """List releases, the newest first; with --json one a line."""
    from gateway.commands.configuration.shown import console, show_table

    api = admin_api(url, token_file, ca)
    listed = rows(api, f"/releases?size={min(limit, _PAGE)}", _SHOWN)
    found = list(islice(listed, limit))
    if json:
        for one in found:
            typer.echo(orjson.dumps(one))
        return
    cells = [
        (
            str(one["number"]),
            _time(one["created_at"]),
            one["who"],
            one["with"] or "",
            one["message"],
        )
        for one in found
    ]
    show_table(("number", "made", "who", "with", "message"), cells, console())


@app.command()
@in_words
def show(
    number: Number = "newest",
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the whole configuration.")
    ] = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Show a release: who made it, with what, and what it changed."""
    from gateway.commands.configuration.live import configuration
    from gateway.commands.configuration.shown import console, show_changes
    from gateway.commands.lines import line
    from gateway.control_plane.page.changes import entity_changes

    api = admin_api(url, token_file, ca)
    path = f"/releases/{_number(api, number)}"
    found = ask(api, "GET", path, has=(*_SHOWN, "configuration"))
    if json:
        typer.echo(orjson.dumps(found))
        return
    out = console()
    for name in _SHOWN:
        value = _time(found[name]) if name == "created_at" else found[name]
        out.print(f"{name}: {line(str(value or '-'))}", markup=False)
    before = found["number"] - 1
    reply = api.request("GET", f"/releases/{before}", timeout=60.0) if before else None
    if reply is not None and reply.status != 200:
        out.print(f"release {before} is not kept any more, so its changes are not known")
        return
    earlier = configuration(api, 0) if reply is None else reply.body["configuration"]
    show_changes(entity_changes(earlier, found["configuration"]), out)


@app.command()
@in_words
def diff(
    number: Number,
    to: Annotated[str, typer.Argument(help="What to compare with.")] = "newest",
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Show what leads from one release to another; exit code 2 when there is a difference."""
    from gateway.commands.configuration.live import configuration
    from gateway.commands.configuration.shown import as_json, console, show_changes
    from gateway.control_plane.page.changes import entity_changes

    api = admin_api(url, token_file, ca)
    old, new = _number(api, number), _number(api, to)
    changes = entity_changes(configuration(api, old), configuration(api, new))
    if json:
        typer.echo(orjson.dumps({"from": old, "to": new, **as_json(changes)}))
    else:
        show_changes(changes, console())
    if changes:
        raise typer.Exit(2)


@app.command()
@in_words
def rollback(
    number: Annotated[int, typer.Argument(min=1, help="Whose content is to be the newest.")],
    message: Message = None,
    wait: Wait = 10.0,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Publish the content of an earlier release again: all of it, whoever it belongs to."""
    from rich.console import Console

    from gateway.commands.configuration.live import publish
    from gateway.commands.configuration.shown import show_warnings

    api = admin_api(url, token_file, ca)
    body = {} if message is None else {"message": message}
    made = publish(api, f"/releases/{number}/rollback", body, wait)
    show_warnings(made, Console(stderr=True, soft_wrap=True))
    if json:
        typer.echo(orjson.dumps(made))
    elif made["unchanged"]:
        typer.echo(f"release {made['number']} has that content already")
    else:
        typer.echo(f"release {made['number']} has the content of release {number}")


def _number(api: Any, word: str) -> int:
    from gateway.commands.configuration.live import newest

    if word == "newest":
        found = newest(api)
        if not found:
            raise CommandFailed("there is no release yet")
        return found
    if not (word.isascii() and word.isdigit() and 0 < len(word) < 16):
        raise CommandFailed(f'"{word}" is no number of a release; allowed: a number, or newest')
    return int(word)


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
