# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.control_plane.page.gate import session_cookie
from tests.support.page import TOKEN, Visitor, serving_page, text

PAGES = ["/", "/data-planes", "/releases", "/releases/1", "/events", "/none"]


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_sees_a_page_before_signing_in(tmp_path: Path, path: str) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        for cookie in ("", "kafka_gateway_page=x", f"kafka_gateway_page={TOKEN}", '=;;"'):
            visitor.cookie = cookie
            reply = await visitor.get(path)
            assert reply.status in (303, 401)
            assert "/sign-in" in reply.headers.get("Location", "/sign-in")


async def test_a_part_that_is_asked_for_by_script_leads_to_the_way_in(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        reply = await Visitor(place).get("/data-planes", **{"HX-Request": "true"})
        assert (reply.status, reply.headers["HX-Redirect"]) == (401, "/sign-in")


async def test_without_a_token_it_is_open_to_this_machine_and_to_no_page_elsewhere(
    tmp_path: Path,
) -> None:
    async with serving_page(tmp_path, token="") as place:
        visitor = Visitor(place)
        assert (await visitor.get("/data-planes")).status == 200
        for headers in (
            {"Host": "evil.test"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "http://evil.test"},
        ):
            assert (await visitor.get("/data-planes", **headers)).status == 403


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/releases/1/rollback"])
async def test_no_page_elsewhere_sends_a_form(tmp_path: Path, path: str) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "http://evil.test"},
            {"Origin": "null"},
        ):
            assert (
                await visitor.post(path, {"token": TOKEN}, "/releases", **headers)
            ).status == 403


async def test_a_browser_is_told_to_run_and_load_nothing_but_ours(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        reply = await Visitor(place).get("/sign-in")
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["Cache-Control"] == "no-store"
        assert "<script>" not in text(reply)
        assert "style=" not in text(reply)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites() -> None:
    for scheme, secure in (("http", False), ("https", True)):
        words = session_cookie("value", scheme).split("; ")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(words)
        assert ("Secure" in words) is secure
    assert "Max-Age=0" in session_cookie("", "http")
