# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.documents.document import to_table
from gateway.hybrid.config_hash import ZERO_HASH, config_hash
from gateway.hybrid.config_table import config_table
from tests.support.documents import story

VECTORS = yaml.safe_load(Path("tests/vectors/config-hash.yaml").read_text())


def digest_of(value: Any) -> str:
    """Return the hash of one part of a configuration."""
    return config_hash({"routes": value})[1]["routes"]


@pytest.mark.parametrize("vector", [v for v in VECTORS["hash"] if "value" in v], ids=str)
def test_values_have_kongs_hashes(vector: dict[str, Any]) -> None:
    assert digest_of(vector["value"]) == vector["hash"]


@pytest.mark.parametrize("vector", VECTORS["config_hash"], ids=lambda v: str(v["config"]))
def test_configurations_have_kongs_hashes(vector: dict[str, Any]) -> None:
    table = dict(vector["table"])
    if isinstance(table.get("consumers"), str):
        table["consumers"] = [{"username": f"user-{i}"} for i in range(1, 1001)]
    digest, parts = config_hash(table)
    assert digest == parts["config"] == vector["config"]
    for name in ("routes", "services", "plugins", "upstreams", "targets"):
        assert parts[name] == vector.get(name, parts[name])
    if vector.get("parts") == "all 32 zeros":
        assert {parts[name] for name in parts if name != "config"} == {ZERO_HASH}


def _put(value: Any, out: list[bytes]) -> None:
    """Hash text as the specification words it: the buffer is cut at the start of any value."""
    if sum(map(len, out)) > 1_000_000:
        out[:] = [hashlib.md5(b"".join(out)).digest()]
    if isinstance(value, list):
        for position, item in enumerate(value):
            _put(item, out)
            if len(value) > 5 or position < len(value) - 1:
                out.append(b";")
    elif isinstance(value, dict):
        for key in sorted(value):
            out.append(key.encode() + b":")
            _put(value[key], out)
            out.append(b";")
    else:
        out.append(str(value).encode())


def test_texts_over_the_bound_are_cut_where_kong_cuts_them() -> None:
    value = [{"name": f"{n}" * 900, "config": {"a": "x" * 7000, "b": [1, 2]}} for n in range(300)]
    out: list[bytes] = []
    _put(value, out)
    assert digest_of(value) == hashlib.md5(b"".join(out)).hexdigest()


def test_the_order_of_a_document_does_not_change_the_hash() -> None:
    routes = {name: {"paths": [f"/{name}"]} for name in "abcdef"}
    backwards = dict(reversed(routes.items()))
    first, second = (
        config_hash(config_table(to_table({"routes": found}, "o", 1)))
        for found in (routes, backwards)
    )
    assert first == second


def test_a_part_hash_changes_with_its_part_only() -> None:
    before = config_hash(config_table(to_table(story(), "o", 1)))[1]
    document = story()
    document["services"]["httpbinservice"]["routes"]["httpbinroute"]["paths"] = ["/other"]
    after = config_hash(config_table(to_table(document, "o", 1)))[1]
    assert {name for name in before if before[name] != after[name]} == {"config", "routes"}
