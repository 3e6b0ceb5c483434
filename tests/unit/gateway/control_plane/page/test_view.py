# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.page import Visitor, serving_page, text, token_for, words


async def test_htmx_is_given_the_live_part_of_a_page_alone(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        whole = text(await visitor.get("/data-planes"))
        part = await visitor.get("/data-planes", **{"HX-Request": "true"})
        assert whole.startswith("<!doctype html>")
        assert "<html" not in text(part)
        assert words(part) in words(await visitor.get("/data-planes"))
        assert part.headers["Vary"] == "HX-Request, Accept-Encoding"


async def test_a_form_counts_with_the_token_of_its_session_alone(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor, other = Visitor(place), Visitor(place)
        await visitor.sign_in()
        await other.sign_in()
        for fields in ({}, {"form_token": ""}, {"form_token": "0" * 64}):
            assert (await visitor.post("/sign-out", fields)).status == 403
        page = text(await other.get("/releases"))
        theirs = page.partition('name="form_token" value="')[2].partition('"')[0]
        assert (await visitor.post("/sign-out", {"form_token": theirs})).status == 403
        many = {f"field{number}": "x" for number in range(200)}
        assert (await visitor.post("/sign-out", many, "/releases")).status == 400


async def test_what_entities_are_called_is_text_and_never_markup(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.serving(hostname="<script>gateway"):
        await place.publish(
            {"services": {"a": {"url": "http://a.test/<b>"}}}, message="<img src=x>"
        )
        visitor = Visitor(place)
        await visitor.sign_in()
        for path in ("/data-planes", "/releases", "/releases/1"):
            page = text(await visitor.get(path))
            assert "<script>gateway" not in page
            assert "<img" not in page
            assert "<b>" not in page


async def test_the_page_says_who_is_signed_in(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in(await token_for(place, "ann", "read"))
        assert "Signed in as ann" in text(await visitor.get("/releases"))
        assert "Releases" in words(await visitor.get("/releases"))
