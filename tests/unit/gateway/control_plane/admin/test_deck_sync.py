# SPDX-License-Identifier: Apache-2.0
"""Files of decK's users: synchronised, again, dumped, and served."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from gateway.entities.plugin_types import plugin_types
from tests.support.authority import Authority
from tests.support.control_plane import running
from tests.support.deck_files import Deck
from tests.support.mock_kafka import mock_kafka
from tests.support.policies import gateway_of
from tests.support.tokens import signed
from tests.support.upstream import answering, ok, upstream

pytestmark = pytest.mark.usefixtures("each_storage")

FOLDER = Path(__file__).parents[4] / "vectors" / "deck"
ENVIRONMENT = {
    "DECK_UPSTREAM_PORT": "9",
    "DECK_KAFKA_PORT": "9092",
    "DECK_CA": Authority("clients").pem,
}
HASHED = ["PUT basicauth_credentials"]
"""What decK writes with every run: the server has only the hash of a password."""


def beyond_hashed(writes: list[str]) -> list[str]:
    return [write for write in writes if write not in HASHED]


FILES = {file.stem: file.read_text() for file in sorted(FOLDER.glob("*.yaml"))}
EXAMPLES = {
    name: (plugin.folder / "example.yaml").read_text() for name, plugin in plugin_types().items()
}


@pytest.mark.timeout(600)
async def test_a_sync_is_done_once_and_a_dump_makes_the_same_anew(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """One control plane takes them all: each sync removes what the one before has left."""
    async with running(tmp_path) as place:
        deck = Deck(place, ENVIRONMENT)
        for name, text in {**FILES, **EXAMPLES}.items():
            with subtests.test(name):
                assert beyond_hashed(await deck.sync(text))
                assert beyond_hashed(await deck.sync(text)) == []
                dumped = await deck.dump()
                assert beyond_hashed(await deck.sync(dumped)) == []
                deleted = await deck.sync('_format_version: "3.0"')
                assert all(write.startswith("DELETE") for write in deleted)
                await deck.sync(dumped)
                assert anonymous(await deck.dump()) == anonymous(dumped)


def anonymous(dumped: str) -> Any:
    """Return a file without passwords, which are hashed with the ids of their consumers."""
    file = yaml.safe_load(dumped)
    for consumer in file.get("consumers", ()):
        for credential in consumer.get("basicauth_credentials", ()):
            del credential["password"]
    return sortable(file)


def sortable(value: Any) -> Any:
    """Return a value whose lists of entities stand in one order."""
    if isinstance(value, dict):
        return {name: sortable(item) for name, item in value.items()}
    if isinstance(value, list):
        items = [sortable(item) for item in value]
        return sorted(items, key=orjson.dumps) if items and isinstance(items[0], dict) else items
    return value


def basic(user: str, password: str) -> str:
    return f"Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


CAROL = signed(
    {"iss": "https://carol.example.com", "exp": 4102444800},
    secret="carol-secret-of-32-characters-00",
).decode()
SERVED: list[tuple[str, str, str, list[str], int]] = [
    ("shop", "GET", "/orders", [], 401),
    ("shop", "GET", "/orders", ["apikey: ann-key"], 200),
    ("shop", "GET", "/shops/oslo/orders", ["X-API-Key: ann-second-key"], 200),
    ("shop", "GET", "/shops/9/orders", ["apikey: ann-key"], 404),
    ("shop", "GET", "/orders", ["apikey: bob-key"], 403),
    ("shop", "GET", "/orders", ["apikey: ann-key", "User-Agent: EvilBot/1"], 403),
    ("everyone", "GET", "/basic", [basic("carol", "carol-password")], 200),
    ("everyone", "GET", "/basic", [basic("carol", "other")], 401),
    ("everyone", "GET", "/tokens", [f"Authorization: Bearer {CAROL}"], 200),
    ("everyone", "GET", "/tokens", [f"Authorization: Bearer {CAROL}x"], 401),
    ("everyone", "GET", "/hmac", [], 401),
    ("everyone", "GET", "/provider", [], 401),
    ("everyone", "GET", "/opaque", [], 401),
    ("everyone", "GET", "/either", [], 401),
    ("everyone", "GET", "/either", ["apikey: carol-key"], 200),
    ("everyone", "GET", "/either", [basic("carol", "carol-password")], 200),
    ("shaped", "GET", "/catalogue?page=1", [], 200),
    ("shaped", "GET", "/catalogue?page=one", [], 400),
    ("shaped", "GET", "/inside", [], 403),
    ("balanced", "GET", "/shared", [], 200),
    ("balanced", "GET", "/sticky", [], 503),
    ("records", "POST", "/events", [], 401),
    ("records", "POST", "/events", ["apikey: device-key", "Content-Type: application/json"], 200),
    ("records", "POST", "/closed", [], 503),
]


SECRETS = {"{vault://env/REDIS_PASSWORD}": "password-of-redis"}


@pytest.mark.parametrize("name", FILES)
async def test_a_data_plane_serves_what_was_synchronised(name: str, tmp_path: Path) -> None:
    with mock_kafka() as kafka:
        async with running(tmp_path) as place, upstream(answering(ok(), [])) as origin:
            environment = ENVIRONMENT | {
                "DECK_UPSTREAM_PORT": str(origin.port),
                "DECK_KAFKA_PORT": str(kafka.servers[0]["port"]),
            }
            await Deck(place, environment).sync(FILES[name])
            async with place.peer() as peer:
                table = orjson.dumps((await peer.configuration())["config_table"])
            async with gateway_of(table, secrets=SECRETS) as gateway:
                for _, method, target, lines, status in (one for one in SERVED if one[0] == name):
                    body = b'{"id": 1}' if method == "POST" else b""
                    reply = await gateway.ask(target, *lines, method=method, body=body)
                    assert reply.status == status, (target, lines, reply)
