# SPDX-License-Identifier: Apache-2.0
"""Tokens of the Admin API: made, listed and revoked by admins, at once and for every listener."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.identity import AdminIdentity, Role
from gateway.control_plane.access.tokens import (
    NAME_RULE,
    AdminToken,
    TokenStore,
    chosen,
    is_name,
)
from gateway.control_plane.admin.bodies import read_body
from gateway.control_plane.admin.pages import page
from gateway.control_plane.admin.responses import respond
from gateway.control_plane.publisher import Publisher
from gateway.entities.base import Conditions, Hint, StrictModel
from gateway.entities.types import invalid
from gateway.errors import RequestRejected
from gateway.logs import get_logger

_LONGEST = 3650 * 86400
"""Most seconds that a token may be valid: ten years."""
_MOST = 10_000
"""Tokens that are known at most, those that are valid no longer included."""

_log = get_logger("gateway.control_plane")


def _name(value: str) -> str:
    if not is_name(value):
        raise invalid(f"expected {NAME_RULE}")
    return value


def _owner(value: str) -> str:
    if not 0 < len(value) <= 1000:
        raise invalid("expected a name of an owner, of 1 to 1000 characters")
    return value


class TokenBody(StrictModel):
    """What a token is made of."""

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="Its name: releases and the audit log say it for whoever has the token."
    )
    roles: Annotated[list[Role], Hint(set=True)] = Field(
        default=["read"],
        min_length=1,
        description="What it may do: `read`, `write` single entities, `publish` documents and "
        "holds, `admin`; each has the rights of those before it.",
    )
    owners: Annotated[list[Annotated[str, AfterValidator(_owner)]], Hint(set=True)] = Field(
        default_factory=list,
        max_length=100,
        description="Whose entities it may change; empty: everybody's. Reading is not limited.",
    )
    expires_in: int | None = Field(
        default=None,
        ge=1,
        le=_LONGEST,
        description="Seconds until it expires; null: it does not.",
    )

    @classmethod
    def conditions(cls, data: Any) -> Conditions:
        """Return what is wrong between roles and owners."""
        if data.get("owners") and "admin" in (data.get("roles") or ()):
            return [], {"owners": "an admin is so for all owners; leave owners out, or the role"}
        return [], {}

    @model_validator(mode="after")
    def _check_owners(self) -> TokenBody:
        self.check_conditions()
        return self


class TokenEndpoints:
    """``/tokens``."""

    def __init__(
        self, publisher: Publisher, store: TokenStore, authentication: Authentication
    ) -> None:
        self._publisher = publisher
        self._store = store
        self._authentication = authentication

    def routes(self) -> Iterator[Route]:
        """Yield all routes."""
        yield Route("/tokens", self.all, methods=["GET", "POST"])
        yield Route("/tokens/{key}", self.one, methods=["GET", "DELETE"])

    async def all(self, request: Request) -> Response:
        """List all tokens, valid or not, or make one."""
        if request.method == "POST":
            return await self._create(request)
        rows = [self._show(token) for token in self._authentication.tokens]
        rows.sort(key=lambda row: str(row["id"]))
        query = {name: text for name, text in request.query_params.items() if name != "tags"}
        return respond(200, page(rows, request.scope["path"], query, dict))

    async def one(self, request: Request) -> Response:
        """Show a token by its id or name, or revoke it."""
        key = request.path_params["key"]
        if request.method == "DELETE":
            by: AdminIdentity = request.state.identity
            token = await self._publisher.call(lambda: self._store.revoke(key))
            self._authentication.note(token)
            _log.info("token revoked", name=token.name, by=by.name)
            return respond(204)
        return respond(200, self._show(chosen(self._authentication.tokens, key)))

    async def _create(self, request: Request) -> Response:
        body = await read_body(request, TokenBody)
        by: AdminIdentity = request.state.identity
        if not self._authentication.required and "admin" not in body.roles:
            raise RequestRejected(409, _FIRST)
        if len(self._authentication.tokens) >= _MOST:
            raise RequestRejected(409, f"{_MOST} tokens have been made; use those there are")
        expires = None if body.expires_in is None else int(time.time()) + body.expires_in
        token, text = await self._publisher.call(
            lambda: self._store.create(body.name, body.roles, body.owners, by.name, expires)
        )
        self._authentication.note(token)
        _log.info("token made", name=token.name, roles=token.roles, by=by.name)
        return respond(201, {**self._show(token), "token": text}, {"Cache-Control": "no-store"})

    def _show(self, token: AdminToken) -> dict[str, Any]:
        return {
            "id": token.id,
            "name": token.name,
            "roles": token.roles,
            "owners": token.owners,
            "state": token.state,
            "created_at": token.created_at,
            "created_by": token.created_by,
            "expires_at": token.expires_at,
            "last_used": self._authentication.last_used(token),
            "revoked_at": token.revoked_at,
        }


_FIRST = (
    "The Admin API asks for no token yet, and would ask for one from now on: make one with the "
    "role admin first, or set KONG_ADMIN_TOKEN_FILE"
)
