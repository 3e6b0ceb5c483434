# SPDX-License-Identifier: Apache-2.0
"""Old tokens go by themselves, which the audit log says; the API stays closed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.control_plane import Place, running
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("each_storage")

ADMIN = {"Kong-Admin-Token": "planted-admin-token"}


async def token(place: Place, name: str, **more: Any) -> str:
    body = {"name": name, "roles": ["read"], **more}
    reply = await place.ask("POST", "/tokens", body)
    assert reply.status == 201, reply
    return str(reply.body["id"])


async def test_a_token_that_ended_is_removed_and_the_audit_log_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token="planted-admin-token") as place:
        place.headers = ADMIN
        old = await token(place, "old")
        await place.ask("DELETE", "/tokens/old")
        kept = await token(place, "kept")
    # With the retention of nothing all that has ended goes at the next start.
    values = {"admin_token": "planted-admin-token", "tokens_kept_for": "0"}
    async with running(tmp_path, **values) as place:
        place.headers = ADMIN
        await _until_gone(place, old)
        assert (await place.ask("GET", f"/tokens/{kept}")).status == 200
        entry = await _entry(place, f"/tokens/{old}")
        assert (entry["method"], entry["status"]) == ("DELETE", 204)
        assert entry["rbac_user_name"] == "retention of tokens"
        assert '"old"' in entry["payload"]


async def test_the_last_token_is_not_forgotten(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await token(place, "first", roles=["admin"])
    async with running(tmp_path, tokens_kept_for="0") as place:
        assert place.made.authentication.required
        assert (await place.ask("GET", "/services")).status == 401


async def _until_gone(place: Place, key: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await place.ask("GET", f"/tokens/{key}")).status != 404:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _entry(place: Place, path: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            entries = (await place.ask("GET", "/audit/requests")).body["data"]
            found = [
                one for one in entries if one["path"] == path and one["user_agent"] is not None
            ]
            found = [one for one in found if one["user_agent"].startswith("kafka-gateway/")]
            if found:
                return dict(found[0])
            await asyncio.sleep(0.05)
