# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.control_plane.page.gate import session_cookie
from tests.support.control_plane import connect, make
from tests.support.page import TOKEN, Visitor, form_token, serving_page, text, token_for

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


async def test_a_form_of_whom_signed_out_meanwhile_changes_nothing(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        for name in ("a", "b"):
            await make(place, "/services", name=name, host="a.test")
        visitor = Visitor(place)
        await visitor.sign_in(await token_for(place, "ci", "publish"))
        form = urlencode({"form_token": form_token(await visitor.get("/releases/1"))}).encode()
        wire = await connect(place, "admin_gui")
        lines = [
            "POST /releases/1/rollback HTTP/1.1",
            "Host: 127.0.0.1",
            f"Cookie: {visitor.cookie}",
            f"Content-Length: {len(form)}",
            "Connection: close",
            "Expect: 100-continue",
        ]
        await wire.send("\r\n".join([*lines, "", ""]).encode())
        # By then it is known who sends.
        assert (await wire.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        await wire.send(form[:-1])
        assert (await place.ask("DELETE", "/tokens/ci")).status == 204
        await wire.send(form[-1:])
        assert (await wire.rest()).startswith(b"HTTP/1.1 401")
        await wire.close()
        assert (await place.ask("GET", "/releases")).body["data"][0]["number"] == 2


async def test_a_page_says_which_methods_it_has_and_a_head_is_like_its_get(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        assert (await visitor.ask("HEAD", "/sign-in")).status == 200
        await visitor.sign_in()
        for path in ("/", "/try", "/releases"):
            assert (await visitor.ask("HEAD", path)).status == 200
            refused = await visitor.ask("PUT", path)
            assert refused.status == 405
            assert {"GET", "HEAD"} <= set(refused.headers["Allow"].split(", "))
