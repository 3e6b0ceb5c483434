# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.data_plane.worker import compile as module
from gateway.entities.credentials import hash_password, password_matches
from gateway.errors import ReleaseRefused, UnresolvedReference
from tests.support.noted_plugin import TYPES, Config
from tests.support.releases import compiled_configuration, number, plugin_row, route, table
from tests.support.requests import request_of


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plugin_types", lambda: TYPES)


def test_routes_are_found_with_their_plans() -> None:
    found = compiled_configuration(table(routes=[route("a"), route("b")]))
    match = found.router.match(request_of(b"/b/x"))
    assert match is not None
    assert match.data.route["name"] == "b"
    assert match.data.service is None


def test_vault_references_are_resolved_in_plugins_and_certificates() -> None:
    rows = [plugin_row("noted", word="{vault://env/the-word}")]
    pair = {"id": "c", "cert": "{vault://env/CERT}", "key": "{vault://env/KEY}"}
    environment = {"THE_WORD": "resolved", "CERT": "pem", "KEY": "secret"}
    found = compiled_configuration(table(plugins=rows, certificates=[pair]), environment)
    (plugin,) = found.plugins.values()
    assert plugin.config == Config(word="resolved")
    assert found.certificates == {"c": ("pem", "secret")}


def test_a_basic_auth_password_of_a_vault_is_hashed_as_a_written_one_is() -> None:
    rows = [
        {"id": "1", "username": "u", "password": "{vault://hcv/u/password}", "consumer": "c"},
        {"id": "2", "username": "v", "password": hash_password("of v", "c"), "consumer": "c"},
    ]
    secrets = {"{vault://hcv/u/password}": "of u"}
    found = compiled_configuration(table(basicauth_credentials=rows), secrets)
    first, second = found.rows["basicauth_credentials"]
    assert password_matches("of u", "c", first["password"])
    assert password_matches("of v", "c", second["password"])


def test_all_references_without_a_value_are_named_at_once() -> None:
    rows = [
        plugin_row("noted", word="{vault://env/A}"),
        plugin_row("reader", word="{vault://env/B}"),
    ]
    pair = {"id": "c", "cert": "x", "key": "{vault://env/C}"}
    with pytest.raises(UnresolvedReference) as caught:
        compiled_configuration(table(plugins=rows, certificates=[pair]))
    assert caught.value.references == [f"{{vault://env/{name}}}" for name in "ABC"]


def test_settings_that_do_not_fit_name_plugin_and_path() -> None:
    row = plugin_row("noted", wort="x")
    with pytest.raises(ReleaseRefused) as caught:
        compiled_configuration(table(plugins=[row]))
    assert 'plugins["noted"]' in caught.value.errors[0]
    assert "wort" in caught.value.errors[0]


def test_a_plugin_that_is_not_installed_is_named() -> None:
    with pytest.raises(ReleaseRefused, match="nosuch"):
        compiled_configuration(table(plugins=[plugin_row("nosuch")]))


def test_disabled_plugins_are_left_out() -> None:
    row = {**plugin_row("nosuch"), "enabled": False}
    assert compiled_configuration(table(plugins=[row])).plugins == {}


def test_equal_settings_have_equal_keys_and_changed_ones_not() -> None:
    def key(**config: str) -> bytes:
        row = plugin_row("noted", **config)
        return compiled_configuration(table(plugins=[row])).plugins[row["id"]].key

    assert key(word="a") == key(word="a")
    assert key(word="a") != key(word="b")


def test_a_changed_secret_is_another_key() -> None:
    row = plugin_row("noted", word="{vault://env/A}")
    keys = {
        compiled_configuration(table(plugins=[row]), {"A": value}).plugins[row["id"]].key
        for value in ("1", "2")
    }
    assert len(keys) == 2


def test_the_plugins_of_consumers_are_known() -> None:
    row = {**plugin_row("noted"), "consumer": number("alice")}
    assert [
        one["consumer"] for one in compiled_configuration(table(plugins=[row])).of_consumers
    ] == [number("alice")]


def test_a_plugin_that_is_not_enabled_is_distinguished_from_one_that_is_not_installed() -> None:
    types = module.enabled_types(("noted",))
    assert list(types) == ["noted"]
    assert list(module.enabled_types(("bundled",))) == ["noted", "reader"]
    assert module.enabled_types(("off",)) == {}
    content = table(plugins=[plugin_row("reader")])
    with pytest.raises(ReleaseRefused, match="not enabled on this node"):
        module.compile_configuration(content, "h", {}, types)
