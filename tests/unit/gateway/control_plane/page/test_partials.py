# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.control_plane.ownership import merge
from gateway.control_plane.page.partials import MOST, partial_lines
from tests.support.page import Visitor, serving_page, text, words

LIMIT = {
    "config": {"minute": 5, "policy": "redis"},
    "partials": [{"name": "counters", "path": "config.redis"}],
}


def document() -> dict[str, Any]:
    """Return a configuration with a partial that two policies are linked to, and one of none."""
    settings = {"host": "redis.test", "port": 6380, "password": "hunter2"}
    return {
        "partials": {
            "counters": {"type": "redis-ce", "config": settings},
            "Backup": {"type": "redis-ee"},
        },
        "plugins": {"rate-limiting": LIMIT},
        "services": {
            "shop": {
                "url": "http://s.test",
                "routes": {"orders": {"paths": ["/orders"], "plugins": {"rate-limiting": LIMIT}}},
            }
        },
    }


def test_partials_are_told_with_what_is_linked_to_them() -> None:
    backup, counters = partial_lines(merge({}, "team", document(), 1))
    assert (backup.name, backup.type, backup.settings, backup.uses) == (
        "Backup",
        "redis-ee",
        [],
        [],
    )
    assert (counters.name, counters.owner) == ("counters", "team")
    settings = dict(counters.settings)
    assert (settings["host"], settings["port"]) == ("redis.test", "6380")
    assert "hunter2" not in settings["password"]
    assert [(use.policy, use.path, use.within) for use in counters.uses] == [
        ("rate-limiting", "config.redis", ""),
        ("rate-limiting", "config.redis", "route orders"),
    ]
    assert [bool(use.route) for use in counters.uses] == [False, True]


def test_of_very_many_policies_some_are_named() -> None:
    found = document()
    found["services"]["shop"]["routes"] = {
        f"r{number}": {"paths": [f"/{number}"], "plugins": {"rate-limiting": LIMIT}}
        for number in range(MOST + 9)
    }
    _, counters = partial_lines(merge({}, "team", found, 1))
    assert (len(counters.uses), counters.more) == (MOST, 10)


async def test_the_page_shows_them_and_leads_to_routes_and_back(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        assert "There is no partial" in words(await visitor.get("/partials"))
        await place.publish(document(), wait=0)
        (route,) = (await place.ask("GET", "/routes")).body["data"]
        reply = await visitor.get("/partials")
        page = words(reply)
        assert page.index("Backup") < page.index("counters")
        assert "counters redis-ce, owner " in page
        assert "host redis.test" in page
        assert "hunter2" not in text(reply)
        assert "rate-limiting config.redis route orders" in page
        assert "No policy is linked to it" in page
        assert f'href="/routes/{route["id"]}"' in text(reply)
        assert "Partials" in words(await visitor.get("/"))
        part = await visitor.get("/partials", **{"HX-Request": "true"})
        assert "<html" not in text(part)
        assert "redis.test" in text(part)


async def test_a_route_names_the_partials_of_its_policies(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        await place.publish(document(), wait=0)
        visitor = Visitor(place)
        await visitor.sign_in()
        (route,) = (await place.ask("GET", "/routes")).body["data"]
        partials = (await place.ask("GET", "/partials")).body["data"]
        (partial,) = (one for one in partials if one["name"] == "counters")
        reply = await visitor.get(f"/routes/{route['id']}")
        assert "minute 5 policy redis redis those of the partial counters" in words(reply)
        assert f'href="/partials#{partial["id"]}"' in text(reply)
