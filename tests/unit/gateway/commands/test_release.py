# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway release`` against a real control plane."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import run_against
from tests.support.control_plane import running


def _service(host: str) -> dict[str, object]:
    return {"services": {"shop": {"host": host}}}


async def test_releases_are_listed_shown_compared_and_rolled_back(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for host in ("a.test", "b.test"):
            assert (await place.publish(_service(host), message=f"to {host}")).status == 201
        listed = await run_against(place, "release", "list")
        assert [line.split()[0] for line in listed.output.splitlines()] == ["number", "2", "1"]
        assert "to b.test" in listed.output
        one = await run_against(place, "release", "list", "--limit", "1", "--json")
        assert json.loads(one.output)["number"] == 2

        shown = await run_against(place, "release", "show")
        assert "message: to b.test" in shown.output
        assert "host: a.test -> b.test" in shown.output
        whole = json.loads((await run_against(place, "release", "show", "1", "--json")).output)
        assert whole["configuration"]["services"][0]["host"] == "a.test"
        first = await run_against(place, "release", "show", "1")
        assert "+ service shop" in first.output

        same = await run_against(place, "release", "diff", "2")
        assert (same.exit_code, same.output) == (0, "no difference\n")
        differs = await run_against(place, "release", "diff", "2", "1", "--json")
        assert differs.exit_code == 2
        body = json.loads(differs.output)
        assert (body["from"], body["to"], body["summary"]["changed"]) == (2, 1, 1)

        back = await run_against(place, "release", "rollback", "1", "--message", "as before")
        assert back.output == "release 3 has the content of release 1\n"
        newest = (await place.ask("GET", "/releases/3")).body
        assert newest["message"] == "as before"
        assert newest["with"].startswith("kafka-gateway/")
        again = await run_against(place, "release", "rollback", "1")
        assert again.output == "release 3 has that content already\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "7"), "404"),
        (("show", "newest"), "there is no release yet"),
        (("show", "latest"), '"latest" is no number of a release; allowed: a number, or newest'),
        (("rollback", "7"), "POST http://127.0.0.1:"),
    ],
)
async def test_a_release_that_is_not_there_is_one_sentence(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    async with running(tmp_path) as place:
        done = await run_against(place, "release", *words)
        assert done.exit_code == 1
        assert said in done.output
        assert "Traceback" not in done.output


async def test_no_text_of_a_release_steers_the_terminal(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(_service("a.test"), message="\x1b[2J[red]gone[/red]\nx")
        for words in (("list",), ("show",)):
            done = await run_against(place, "release", *words)
            assert done.exit_code == 0
            assert "\x1b" not in done.output
            assert "[red]gone[/red]" in done.output
