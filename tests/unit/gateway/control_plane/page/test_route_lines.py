# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from gateway.control_plane.ownership import merge
from gateway.control_plane.page.route_lines import RouteLines
from tests.support.documents import plugin_of, story


def lines(document: dict[str, Any]) -> RouteLines:
    return RouteLines(merge({}, "team", document, 1))


def test_policies_stand_in_the_order_in_which_they_run_before_records_are_written() -> None:
    document = story()
    route = document["services"]["httpbinservice"]["routes"]["httpbinroute"]
    route["plugins"]["key-auth"] = {}
    route["plugins"]["rate-limiting"] = {"config": {"minute": 5}}
    document["plugins"] = {"file-log": {"config": {"path": "/dev/null"}}, "cors": {}}
    found = lines(document)
    (row,) = found.rows
    line = found.line(row, with_settings=True)
    names = [one.name for one in line.policies]
    assert names == ["cors", "key-auth", "rate-limiting", "kafka-upstream", "file-log"]
    scopes = {one.name: one.scope for one in line.policies}
    assert (scopes["cors"], scopes["key-auth"]) == ("everywhere", "route")
    assert [one.name for one in line.policies if one.produces] == ["kafka-upstream"]
    limits = next(one for one in line.policies if one.name == "rate-limiting")
    assert ("minute", "5") in limits.settings


def test_the_most_specific_use_of_a_policy_counts() -> None:
    document = story()
    document["plugins"] = {"rate-limiting": {"config": {"minute": 1}}}
    service = document["services"]["httpbinservice"]
    service["plugins"] = {"rate-limiting": {"config": {"minute": 2}}}
    found = lines(document)
    (policy,) = [
        one
        for one in found.line(found.rows[0], with_settings=True).policies
        if one.name == "rate-limiting"
    ]
    assert policy.scope == "service"
    assert ("minute", "2") in policy.settings


def test_a_search_looks_at_what_a_route_matches_and_where_it_leads() -> None:
    found = lines(
        {
            "services": {
                "shop": {
                    "url": "http://shop.internal",
                    "routes": {
                        "orders": {"paths": ["/orders"], "hosts": ["api.test"]},
                        "payments": {"paths": ["/pay"]},
                    },
                }
            }
        }
    )

    assert [found.haystack(row) for row in found.rows] == [
        "orders api.test /orders shop shop.internal",
        "payments /pay shop shop.internal",
    ]


def test_a_route_says_what_it_takes_and_where_it_leads() -> None:
    route = {
        "paths": ["/a", "~/b$"],
        "hosts": ["h.test"],
        "methods": ["POST"],
        "headers": {"x-v": ["1"]},
    }
    found = lines({"services": {"s": {"url": "http://s.test/in", "routes": {"r": route}}}})
    line = found.line(found.rows[0])
    assert line.matches == [
        ("method", "POST"), ("host", "h.test"), ("path", "/a"), ("path", "~/b$"),
        ("header", "x-v: 1"),
    ]  # fmt: skip
    assert (line.service, line.leads_to, line.owner) == ("s", "http://s.test:80/in", "team")
    assert found.find(line.id) is not None
    assert found.find("none") is None


def test_consumers_with_policies_of_their_own_are_told_of() -> None:
    document = story()
    document["consumers"] = {"ann": {"plugins": {"rate-limiting": {"config": {"minute": 1}}}}}
    found = lines(document)
    assert found.special(found.rows[0]) == ["rate-limiting"]


def test_no_secret_of_a_policy_is_shown() -> None:
    document = story()
    config = plugin_of(document)["config"]
    config["authentication"] = {
        "strategy": "sasl", "mechanism": "PLAIN", "user": "u", "password": "planted-0815",
    }  # fmt: skip
    found = lines(document)
    assert "planted-0815" not in str(found.line(found.rows[0], with_settings=True))
