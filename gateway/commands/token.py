# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway token``: who may use a control plane.

By the Admin API of one that runs, not by its database: so it is an admin who does it, the audit
log has it, and a token that is revoked is so at once.
"""

from __future__ import annotations

import time
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
from gateway.commands.spans import span
from gateway.errors import CommandFailed
from gateway.http.json_api import quoted

app = typer.Typer(help="Make, list and revoke tokens of a control plane.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_OF_EACH = ["name", "roles", "owners", "state", "created_at", "expires_at", "last_used", "id"]
"""Fields of a token that are shown."""


@app.command()
@in_words
def create(
    name: Annotated[str, typer.Argument(help="Its name, in releases and the audit log.")],
    role: Annotated[
        list[str], typer.Option(help="read, write, publish or admin; each has those before it.")
    ] = ["read"],  # noqa: B006  # typer's way
    owner: Annotated[
        list[str] | None, typer.Option(help="Whose entities it may change; else everybody's.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 30d, 12h, 90m, …; else it does not.")
    ] = None,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Make a token and print it, this once: the control plane keeps only its digest."""
    body = {
        "name": name,
        "roles": role,
        "owners": owner or [],
        "expires_in": None if expires is None else _seconds(expires),
    }
    made = ask(admin_api(url, token_file, ca), "POST", "/tokens", body, has=("token",))
    typer.echo(orjson.dumps(made) if json else made["token"])


@app.command("list")
@in_words
def list_(
    every: Annotated[
        bool, typer.Option("--all", help="Also those that are revoked or expired.")
    ] = False,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """List tokens; never what they are."""
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.commands.configuration.shown import console, show_table

    found = rows(admin_api(url, token_file, ca), "/tokens?size=1000", _OF_EACH)
    shown = [one for one in found if every or one["state"] == "active"]
    shown.sort(key=lambda one: (one["name"], one["created_at"]))
    if json:
        for one in shown:
            typer.echo(orjson.dumps(one))
        return
    head = ("name", "roles", "owners", "state", "expires", "last used", "id")
    show_table(head, map(_row, shown), console())


@app.command()
@in_words
def revoke(
    name: Annotated[str, typer.Argument(help="Its name or id.")],
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """Revoke a token: it is of no use at once, on streams that are open too."""
    ask(admin_api(url, token_file, ca), "DELETE", f"/tokens/{quoted(name)}")
    typer.echo(f"revoked {name}")


def _row(token: dict[str, Any]) -> tuple[str, ...]:
    return (
        token["name"],
        ",".join(token["roles"]),
        ",".join(token["owners"]) or "all",
        token["state"],
        _time(token["expires_at"], "never"),
        _time(token["last_used"], "never"),
        token["id"],
    )


def _time(seconds: int | None, none: str) -> str:
    return none if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _seconds(text: str) -> int:
    found = span(text.strip().lower())
    if found is None:
        raise CommandFailed(f'--expires "{text}": expected a number with s, m, h, d or w, like 30d')
    return found
