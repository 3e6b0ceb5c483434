# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from gateway.commands.check import check_file
from gateway.documents.document import check_document
from gateway.entities.plugin_types import PluginType
from gateway.plugins.warnings import configuration_warnings

KAFKA: dict[str, Any] = {
    "name": "kafka-upstream",
    "config": {
        "bootstrap_servers": [{"host": "127.0.0.1", "port": 9092}],
        "topic": "orders",
        "forward_body": True,
    },
}
CONFLUENT = {
    "name": "confluent",
    "config": {
        "bootstrap_servers": [{"host": "127.0.0.1", "port": 9092}],
        "topic": "orders",
        "cluster_api_key": "k",
        "cluster_api_secret": "s",
    },
}


def plugins(*named: dict[str, Any]) -> dict[str, Any]:
    return {plugin["name"]: {k: v for k, v in plugin.items() if k != "name"} for plugin in named}


def warned(*on_the_route: dict[str, Any], **document: Any) -> list[str]:
    routes = {"orders": {"paths": ["/orders"], "plugins": plugins(*on_the_route)}}
    return configuration_warnings(check_document({"routes": routes, **document}))


def test_a_configuration_as_most_are_has_none() -> None:
    assert warned(KAFKA, {"name": "key-auth"}, {"name": "cors"}) == []
    assert warned({"name": "request-termination"}, {"name": "key-auth"}) == []


def test_what_runs_before_a_record_by_our_order_is_not_warned_of() -> None:
    assert warned(KAFKA, {"name": "request-termination"}) == []


def test_a_second_plugin_that_produces_never_runs() -> None:
    found = warned(KAFKA, CONFLUENT)
    assert len(found) == 1
    assert found[0].startswith('routes["orders"]: the plugin "kafka-upstream" runs after "conf')


def test_an_anonymous_consumer_that_is_terminated_is_told_to_differ_from_kong() -> None:
    gate = {"request-termination": {"config": {"status_code": 401}}}
    consumers = {"nobody": {"plugins": gate}}
    auth = {"name": "key-auth", "config": {"anonymous": "nobody"}}
    found = warned(KAFKA, auth, consumers=consumers)
    assert len(found) == 1
    assert '"key-auth" lets requests without a credential pass as the consumer "nobody"' in found[0]
    assert warned(auth, consumers=consumers) == []
    assert warned(KAFKA, auth, consumers={"nobody": {}}) == []


def test_tokens_in_records_are_warned_of() -> None:
    config: dict[str, Any] = {"issuer": "https://op.test", "auth_methods": ["bearer"]}
    token = {"name": "openid-connect", "config": config}
    heads = {**KAFKA, "config": {**KAFKA["config"], "forward_headers": True}}
    found = warned(heads, token)
    assert len(found) == 1
    assert 'the token of the caller into the header "authorization"' in found[0]
    assert warned(KAFKA, token) == []
    off = {**config, "upstream_access_token_header": None}
    assert warned(heads, {"name": "openid-connect", "config": off}) == []


@pytest.mark.parametrize(
    ("methods", "config", "texts"),
    [
        (None, {}, 0),
        (None, {"run_on_preflight": False}, 1),
        (["GET", "OPTIONS"], {"run_on_preflight": False}, 1),
        (["POST"], {"run_on_preflight": False}, 0),
    ],
)
def test_records_that_anybody_can_write_by_options_are_warned_of(
    methods: list[str] | None, config: dict[str, Any], texts: int
) -> None:
    auth = plugins(KAFKA, {"name": "key-auth", "config": config})
    routes = {"orders": {"paths": ["/orders"], "methods": methods, "plugins": auth}}
    found = configuration_warnings(check_document({"routes": routes}))
    assert len(found) == texts
    assert all("lets OPTIONS requests pass without a proof" in text for text in found)


def test_keys_whose_records_are_looked_for_need_the_right_to_read() -> None:
    keys = {"name": "idempotency"}
    (found,) = warned(KAFKA, keys)
    assert 'credentials of "kafka-upstream" need the right Read' in found
    servers = KAFKA["config"]["bootstrap_servers"]
    topic = {"storage": "kafka", "kafka": {"bootstrap_servers": servers}}
    assert warned(KAFKA, {**keys, "config": topic}) == []
    assert warned(keys) == []


def test_a_plugin_that_is_switched_off_is_not_warned_of() -> None:
    assert warned(KAFKA, {**CONFLUENT, "enabled": False}) == []


def test_routes_are_named_once_for_what_they_share() -> None:
    routes = {
        f"r{place}": {"paths": [f"/{place}"], "plugins": plugins(KAFKA, CONFLUENT)}
        for place in range(5)
    }
    found = configuration_warnings(check_document({"routes": routes}))
    assert len(found) == 1
    assert " and 2 more: the plugin" in found[0]


class Warns(BaseModel):
    """A schema that warns of its own field."""

    quiet: bool = True

    def warnings(self) -> list[str]:
        """Return what is to be said."""
        return [] if self.quiet else ["quiet: it is loud"]


@pytest.mark.parametrize(("config", "texts"), [({}, 0), ({"quiet": False}, 1), ({"quiet": "?"}, 0)])
def test_a_schema_warns_of_its_own_fields(config: dict[str, Any], texts: int) -> None:
    types = {"w": PluginType("w", "1", 1, f"{__name__}:Warns", "x:Y")}
    rows = [{"id": "1", "name": "w", "config": config, "enabled": True}]
    found = configuration_warnings({"plugins": rows}, types)
    assert found == ['plugins["w"].config.quiet: it is loud'] * texts


def test_check_shows_them_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    route = {"name": "orders", "paths": ["/orders"], "plugins": [KAFKA, CONFLUENT]}
    file.write_text(yaml.safe_dump({"_format_version": "3.0", "routes": [route]}))
    warnings, problems = check_file(file, {})
    assert problems == []
    assert len(warnings) == 1
    assert warnings[0].startswith(f'{file}: routes["orders"]: the plugin')


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("{vault://team/a/b}", ""),
        ("{vault://env/A}", ""),
        ("{vault://hcv/a/b?ttl=5#2}", ""),
        ("{vault://tean/a/b}", 'there is no vault "tean"; did you mean "team"?'),
        ("{vault://cloud/a}", 'vaults of the kind "gcp" cannot be asked, but env, file, hcv, aws'),
        ("{vault://env}", "is no vault reference"),
    ],
)
def test_a_reference_that_can_never_resolve_is_warned_of(reference: str, text: str) -> None:
    vaults = {"team": {"name": "env"}, "cloud": {"name": "gcp", "config": {"project_id": "p"}}}
    consumers = {"ann": {"keyauth_credentials": {"k": {"key": reference}}}}
    table = check_document({"consumers": consumers, "vaults": vaults})
    found = [one for one in configuration_warnings(table) if "{vault://" in one]
    assert [text in one and reference in one for one in found] == ([True] if text else [])
