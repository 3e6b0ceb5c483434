# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway token`` against a real control plane."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.commands.admin_client import TOKEN
from gateway.commands.command_line import application
from tests.support.control_plane import Place, running

ADMIN = "planted-admin-token"


async def run(place: Place, *words: str, token: str = ADMIN) -> Result:
    """Run a command of ``token``; the control plane answers meanwhile."""
    url = f"http://127.0.0.1:{place.port('admin')}"
    environment = {"KAFKA_GATEWAY_ADMIN_URL": url, TOKEN: token}
    words = ("token", *words)
    return await asyncio.to_thread(CliRunner().invoke, application(), words, env=environment)


async def test_a_token_is_made_used_listed_and_revoked(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=ADMIN) as place:
        words = ("create", "ci", "--role", "write", "--owner", "team-a", "--expires", "30d")
        made = await run(place, *words)
        assert made.exit_code == 0, made.output
        text = made.output.strip()
        assert text.startswith("kgw_")
        known = place.made.authentication.tokens[0]
        assert known.expires_at == known.created_at + 30 * 86400
        identity = place.made.authentication.authenticate(text)
        assert identity is not None
        assert (identity.name, set(identity.owners)) == ("ci", {"team-a"})
        listed = await run(place, "list")
        assert listed.output.splitlines()[1].split()[:4] == ["ci", "write", "team-a", "active"]
        assert text not in listed.output
        assert (await run(place, "list", token=text)).exit_code == 1
        assert (await run(place, "revoke", "ci")).output == "revoked ci\n"
        assert place.made.authentication.authenticate(text) is None
        assert len((await run(place, "list")).output.splitlines()) == 1
        every = await run(place, "list", "--all", "--json")
        assert json.loads(every.output)["state"] == "revoked"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "ci", "--expires", "soon"), 'expires "soon": expected a number with s, m'),
        (("create", "ci", "--role", "root"), "POST http://127.0.0.1:"),
        (("revoke", "nobody"), '404: no token "nobody"'),
    ],
)
async def test_what_goes_wrong_is_one_sentence(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    async with running(tmp_path, admin_token=ADMIN) as place:
        done = await run(place, *words)
        assert done.exit_code == 1
        assert said in done.output
        assert ADMIN not in done.output
        refused = await run(place, "list", token="wrong")
        assert f"set {TOKEN}, or give --token-file" in refused.output
