# SPDX-License-Identifier: Apache-2.0
"""The status API of a control plane."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.control_plane import run, running

DRAIN, READY = {"status": "draining"}, {"status": "ready"}


def test_draining_is_seen_and_can_be_taken_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for wish, status in ((DRAIN, 503), (READY, 200)):
                assert (await place.ask("POST", "/status/ready", wish, api="status")).status == 204
                assert (await place.ask("GET", "/status/ready", api="status")).status == status
                body = (await place.ask("GET", "/status", api="status")).body
                assert body["draining"] is (wish is DRAIN)

    run(main)


@pytest.mark.parametrize("body", [{}, {"status": "off"}, {"status": []}, {"status": None}])
def test_any_other_state_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            assert (await place.ask("POST", "/status/ready", body, api="status")).status == 400
            assert (await place.ask("GET", "/status/ready", api="status")).status == 200

    run(main)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Kong-Admin-Token": "wrong"},
    ],
)
def test_pages_and_wrong_tokens_may_not_drain(tmp_path: Path, headers: dict[str, str]) -> None:
    async def main() -> None:
        async with running(tmp_path, admin_token="planted") as place:
            reply = await place.ask("POST", "/status/ready", DRAIN, api="status", headers=headers)
            assert reply.status == 403
            assert (await place.ask("GET", "/status/ready", api="status")).status == 200

    run(main)


def test_many_who_ask_at_once_cost_the_database_one_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            store = place.made._store
            asked: list[int] = []
            check = store.check

            def counted() -> None:
                asked.append(1)
                check()

            monkeypatch.setattr(store, "check", counted)
            replies = [place.ask("GET", "/status", api="status") for _ in range(50)]
            assert all(reply.status == 200 for reply in await asyncio.gather(*replies))
            assert len(asked) < 50

    run(main)
