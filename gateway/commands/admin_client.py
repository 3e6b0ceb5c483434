# SPDX-License-Identifier: Apache-2.0
"""How commands reach the Admin API of a control plane.

The token never stands on the command line, where other users of the machine could read it: it
comes from the environment or from a file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.errors import CommandFailed
from gateway.http.json_api import ApiResponse, JsonApi
from gateway.names.addresses import token_problem

TOKEN = "KAFKA_GATEWAY_TOKEN"  # noqa: S105  # the variable's name

Url = Annotated[
    str,
    typer.Option(envvar="KAFKA_GATEWAY_ADMIN_URL", help="Address of the Admin API."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        envvar="KAFKA_GATEWAY_TOKEN_FILE",
        help=f"A file with the token; without it the environment's {TOKEN} has it.",
    ),
]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", envvar="KAFKA_GATEWAY_ADMIN_CA", help="PEM file of its authority."),
]
DEFAULT_URL = "http://127.0.0.1:8001"


def admin_api(url: str, token_file: Path | None = None, ca: Path | None = None) -> JsonApi:
    """Return the Admin API at an address; raises ``CommandFailed`` for what cannot be used."""
    if not url.startswith(("http://", "https://")):
        raise CommandFailed(f'"{url}" is no address like {DEFAULT_URL}; give --url')
    headers = {}
    token = _read(token_file).strip() if token_file else os.environ.get(TOKEN, "").strip()
    if token:
        if problem := token_problem(token):
            raise CommandFailed(f"the token {problem}")
        headers["Kong-Admin-Token"] = token
    return JsonApi(url, headers, None if ca is None else _read(ca))


def ask(
    api: JsonApi,
    method: str,
    path: str,
    body: Any = None,
    timeout: float = 10.0,
    *,
    has: Collection[str] = (),
) -> Any:
    """Return the body of a response, an object that ``has`` these fields where some are named.

    Raises ``CommandFailed``: in the API's words for a refusal, and where something else responds
    than an Admin API of ours.
    """
    response = api.request(method, path, body, timeout)
    if not 200 <= response.status < 300:
        raise CommandFailed(_refused(api, method, path, response))
    if has:
        _check(api, response.body, has)
    return response.body


def rows(
    api: JsonApi, path: str, has: Collection[str], timeout: float = 10.0
) -> Iterator[dict[str, Any]]:
    """Yield what a collection has, page by page, objects that have these fields.

    Raises ``CommandFailed`` as ``ask`` does.
    """
    following: str | None = path
    while following:
        page = ask(api, "GET", following, timeout=timeout, has=("data", "next"))
        if not isinstance(page["data"], list) or not isinstance(page["next"], str | None):
            raise _not_ours(api)
        for one in page["data"]:
            _check(api, one, has)
            yield one
        following = page["next"]


def _check(api: JsonApi, body: Any, has: Collection[str]) -> None:
    if not isinstance(body, dict) or not body.keys() >= set(has):
        raise _not_ours(api)


def _not_ours(api: JsonApi) -> CommandFailed:
    return CommandFailed(f"{api.url} is no Admin API of kafka-gateway; give the right --url")


def _refused(api: JsonApi, method: str, path: str, response: ApiResponse) -> str:
    text = f"{method} {api.url.rstrip('/')}{path}: {response.message}"
    if response.status == 401:
        return f"{text}; set {TOKEN}, or give --token-file"
    return text


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise CommandFailed(f"cannot read {path}: {reason}") from None
