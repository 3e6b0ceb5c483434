# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gateway.control_plane.page.static_files import FOLDER, StaticFiles
from tests.support.page import Visitor, serving_page

BUDGET = 60_000
"""Bytes of all scripts and styles together, as they are sent."""


def test_all_of_it_is_small() -> None:
    assert sum(len(one.compressed) for one in StaticFiles().files.values()) < BUDGET


def test_what_is_of_others_has_its_licence_beside_it() -> None:
    names = {path.name for path in (FOLDER / "vendor").iterdir()}
    assert {"LICENSE.htmx", "LICENSE.uPlot"} <= names


async def test_a_file_is_kept_for_good_under_an_address_with_its_digest(tmp_path: Path) -> None:
    files = StaticFiles()
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        for name, file in files.files.items():
            reply = await visitor.get(files.address(name), **{"Accept-Encoding": "identity"})
            assert (reply.status, reply.body) == (200, file.content), name
            assert "immutable" in reply.headers["Cache-Control"]
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert (
            gzip.decompress(files.files["page.css"].compressed) == files.files["page.css"].content
        )


@pytest.mark.parametrize(
    "path",
    [
        "/static/0/page.css",
        "/static/x/none.js",
        "/static/..%2f..%2fapp.py",
        "/static/x/LICENSE.htmx",
    ],
)
async def test_there_is_nothing_else(tmp_path: Path, path: str) -> None:
    async with serving_page(tmp_path) as place:
        assert (await Visitor(place).get(path)).status == 404
