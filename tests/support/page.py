# SPDX-License-Identifier: Apache-2.0
"""A control plane with its page, and a browser's part without a browser: cookies and forms."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from tests.support.control_plane import Place, Reply, running

TOKEN = "a-token-of-the-page-test"  # a test's own
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_FIELD = re.compile(r'name="form_token" value="(\w+)"')


@asynccontextmanager
async def serving_page(prefix: Path, token: str = TOKEN, **values: str) -> AsyncIterator[Place]:
    """Run a control plane with its page on a free port; ``token`` may be empty."""
    given = {"admin_token": token} if token else {}
    async with running(prefix, admin_gui_listen="127.0.0.1:0", **given, **values) as place:
        if token:
            place.headers["Kong-Admin-Token"] = token
        yield place


class Visitor:
    """One browser, as far as the server sees one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.cookie = ""

    async def get(self, path: str, **headers: str) -> Reply:
        """Ask for a page."""
        return await self.ask("GET", path, headers)

    async def post(
        self, path: str, fields: Mapping[str, str], form_of: str = "", **headers: str
    ) -> Reply:
        """Send a form, with the token that the page ``form_of`` has in its."""
        sent = dict(fields)
        if form_of:
            sent["form_token"] = form_token(await self.get(form_of))
        return await self.ask("POST", path, {**_FORM, **headers}, urlencode(sent))

    async def sign_in(self, token: str = TOKEN) -> Reply:
        """Sign in; keep the cookie."""
        reply = await self.post("/sign-in", {"token": token}, "/sign-in")
        self.cookie = reply.headers.get("Set-Cookie", "").partition(";")[0]
        return reply

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> Reply:
        """Send a request with the cookie; follow no redirect."""
        sent = {"Cookie": self.cookie, **(headers or {})}
        return await self.place.ask(
            method, path, api="admin_gui", headers=sent, data=data, allow_redirects=False
        )


def form_token(reply: Reply) -> str:
    """Return what the forms of a page must be sent with."""
    found = _FIELD.search(text(reply))
    assert found is not None, reply
    return found[1]


def text(reply: Reply) -> str:
    """Return what a page says, with its tags."""
    assert isinstance(reply.body, bytes), reply
    return reply.body.decode()


def words(reply: Reply) -> str:
    """Return what a page says, without tags and with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text(reply))).split())


async def token_for(place: Place, name: str, *roles: str, owners: tuple[str, ...] = ()) -> str:
    """Make a token with roles; return it."""
    publisher = place.made.publisher
    assert publisher is not None
    create = partial(place.made.tokens.create, name, roles, owners, "a test", None)
    made, token = await publisher.call(create)
    place.made.authentication.note(made)
    return token
