# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.page import TOKEN, Visitor, serving_page, words


async def test_a_valid_token_opens_the_page_and_signing_out_closes_it(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        reply = await visitor.sign_in()
        assert (reply.status, reply.headers["Location"]) == (303, "/")
        assert TOKEN not in str(reply.headers)
        assert (await visitor.get("/data-planes")).status == 200
        assert (await visitor.get("/sign-in")).status == 303
        out = await visitor.post("/sign-out", {}, "/data-planes")
        assert out.headers["Location"] == "/sign-in"
        assert "Max-Age=0" in out.headers["Set-Cookie"]


async def test_a_wrong_token_opens_nothing(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        for token in ("wrong", "", "é", "a" * 5000):
            visitor = Visitor(place)
            reply = await visitor.sign_in(token)
            assert reply.status == 401
            assert "Set-Cookie" not in reply.headers
            assert "token" in words(reply)


async def test_a_token_that_is_replaced_signs_its_people_out(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        place.made.authentication.replace("another")
        assert (await visitor.get("/data-planes")).status == 303
        place.made.authentication.replace(TOKEN)
        assert (await visitor.get("/data-planes")).status == 200


async def test_who_is_signed_in_stays_so_over_a_restart(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
    async with serving_page(tmp_path) as place:
        visitor.place = place
        assert (await visitor.get("/data-planes")).status == 200


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/releases/2?before=3", "/releases/2?before=3"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("https://evil.test", "/"),
        ("", "/"),
    ],
)
async def test_one_gets_back_to_where_one_was_and_nowhere_else(
    tmp_path: Path, target: str, leads_to: str
) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        where = f"/sign-in?next={quote(target, safe='')}"
        reply = await visitor.post(where, {"token": TOKEN}, "/sign-in")
        assert reply.headers["Location"] == leads_to
