# SPDX-License-Identifier: Apache-2.0
"""``mtls-auth`` over TLS: who shows which certificate passes as whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.errors import ReleaseRefused
from gateway.plugins.acl.schema import Config as AclConfig
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Consumers
from gateway.plugins.mtls_auth import handler as module
from gateway.plugins.mtls_auth.handler import MtlsAuth
from gateway.plugins.mtls_auth.schema import Config
from tests.support.authority import Authority, client_context, shared_pair
from tests.support.gates import SERVERS, Answer, consumers, credential, gate
from tests.support.logging import until
from tests.support.releases import number
from tests.support.requests import request_of

CLIENTS = Authority("clients")
OTHERS = Authority("others")
CA, OTHER_CA = number("ca"), number("other ca")
AUTHORITIES = [{"id": CA, "cert": CLIENTS.pem}, {"id": OTHER_CA, "cert": OTHERS.pem}]
BOB = CLIENTS.issue("bob")
TABLE: dict[str, Any] = {
    "ca_certificates": AUTHORITIES,
    "consumers": consumers("bob", "ann", "guest", "cyd"),
    "mtls_auth_credentials": [
        credential("ann", subject_name="printer", ca_certificate=None),
        credential("cyd", subject_name="printer", ca_certificate=CA),
        credential("guest", subject_name="scanner", ca_certificate=OTHER_CA),
    ],
}
NO_CERTIFICATE = "No required TLS certificate was sent"
FAILED = "TLS certificate failed verification"


async def asked(pair: Any, more: dict[str, Any] | None = None, **config: Any) -> Answer:
    plugins = {"mtls-auth": {"ca_certificates": [CA], **config}, **(more or {})}
    async with gate(plugins, tls=True, **TABLE) as place:
        client = client_context(SERVERS.pem, pair)
        first = await place.ask(tls=client)
        again = await place.ask(tls=client)
        assert again.status == first.status
        return first


@pytest.mark.parametrize(
    ("name", "username"), [("bob", "bob"), ("printer", "cyd"), (number("bob"), None)]
)
async def test_a_name_of_the_certificate_finds_the_consumer(
    name: str, username: str | None
) -> None:
    found = await asked(CLIENTS.issue(name))
    if username is None:
        assert (found.status, found.message) == (401, FAILED)
    else:
        assert found.header("x-consumer-username") == username
        assert found.header("x-credential-identifier")


async def test_credentials_of_an_authority_come_before_those_of_any() -> None:
    both = [CA, OTHER_CA]
    found = await asked(OTHERS.issue("printer"), ca_certificates=both)
    assert found.header("x-consumer-username") == "ann"
    assert (await asked(CLIENTS.issue("scanner"), ca_certificates=both)).status == 401
    found = await asked(OTHERS.issue("scanner"), ca_certificates=both)
    assert found.header("x-consumer-username") == "guest"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (None, NO_CERTIFICATE),
        (shared_pair("bob"), FAILED),
        (OTHERS.issue("bob"), FAILED),
        (CLIENTS.issue("bob", server=True), FAILED),
        (CLIENTS.issue("nobody"), FAILED),
    ],
)
async def test_everything_else_is_refused_or_anonymous(pair: Any, message: str) -> None:
    found = await asked(pair)
    assert (found.status, found.message) == (401, message)
    found = await asked(pair, anonymous="guest")
    assert found.header("x-anonymous-consumer") == "true"
    assert found.header("x-consumer-username") == "guest"


async def test_without_tls_there_is_no_certificate() -> None:
    async with gate({"mtls-auth": {"ca_certificates": [CA]}}, **TABLE) as place:
        found = await place.ask()
        assert (found.status, found.message) == (401, NO_CERTIFICATE)


async def test_a_good_certificate_of_nobody_may_be_the_default_consumers() -> None:
    found = await asked(CLIENTS.issue("nobody"), default_consumer="guest")
    assert found.header("x-consumer-username") == "guest"
    assert found.header("x-anonymous-consumer") is None
    assert (await asked(shared_pair("nobody"), default_consumer="guest")).status == 401


async def test_only_credentials_count_where_no_field_is_named() -> None:
    assert (await asked(BOB, consumer_by=[])).status == 401
    found = await asked(CLIENTS.issue("printer"), consumer_by=[])
    assert found.header("x-consumer-username") == "cyd"


@pytest.mark.parametrize(("by", "group"), [("CN", "bob"), ("DN", "CN=bob")])
async def test_a_certificate_may_be_enough_and_name_a_group(by: str, group: str) -> None:
    config = {"skip_consumer_lookup": True, "authenticated_group_by": by}
    assert AclConfig(allow=[group])
    found = await asked(BOB, {"acl": {"allow": [group]}}, **config)
    assert found.header("x-authenticated-groups") == group
    assert found.header("x-consumer-id") is None
    assert (await asked(BOB, {"acl": {"allow": ["x"]}}, **config)).status == 403


def handler(**config: Any) -> MtlsAuth:
    pool: Any = None
    pems = {row["id"]: row["cert"] for row in AUTHORITIES}
    context = PluginContext(pool, lambda _: None, consumers=Consumers(TABLE), authority=pems.get)
    return MtlsAuth(Config(**config), context)


def test_an_authority_or_consumer_that_is_not_there_refuses_the_release() -> None:
    with pytest.raises(ReleaseRefused, match="no ca_certificate"):
        handler(ca_certificates=[number("gone")])
    with pytest.raises(ReleaseRefused, match="no consumer 'gone'"):
        handler(ca_certificates=[CA], default_consumer="gone")


def test_verdicts_are_kept_for_their_time_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 2)
    plugin = handler(ca_certificates=[CA], cert_cache_ttl=60000)
    checks: list[Any] = []
    verify = plugin._verifier.verify

    def counted(*given: Any) -> Any:
        checks.append(given)
        return verify(*given)

    monkeypatch.setattr(plugin._verifier, "verify", counted)
    for shown in (b"nonsense", b"nonsense", b"other", b"third"):
        request = request_of()
        request.connection.client_certificate = shown  # type: ignore[misc]  # stands in
        plugin.access(request)
    assert len(checks) == 3
    assert len(plugin._verdicts) <= 2


@pytest.mark.parametrize(
    ("pair", "said"), [(BOB, "SUCCESS"), (OTHERS.issue("bob"), "FAILED:"), (None, "NONE")]
)
async def test_log_entries_say_what_became_of_the_certificate(
    tmp_path: Path, pair: Any, said: str
) -> None:
    path = tmp_path / "log"
    plugins: dict[str, dict[str, Any]] = {
        "mtls-auth": {"ca_certificates": [CA]},
        "file-log": {"path": str(path)},
    }
    async with gate(plugins, tls=True, **TABLE) as place:
        await place.ask(tls=client_context(SERVERS.pem, pair))
        data = await until(lambda: path.exists() and path.read_bytes())
    tls = orjson.loads(data)["request"]["tls"]
    assert tls["client_verify"].startswith(said)
    assert (tls["version"], tls["cipher"][:4]) == ("TLSv1.3", "TLS_")
