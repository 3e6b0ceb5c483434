# SPDX-License-Identifier: Apache-2.0
"""Ways to prove who we are, against a broker that knows them all."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.support.broker import Broker
from tests.support.ports import free_ports
from tests.support.producing import SENT, Worker, answer, body_of, on_broker, request, working
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.kafka

ID = "11111111-1111-4111-8111-111111111111"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_TOKENS = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
    'unsecuredLoginStringClaim_sub="admin";'
)


class Knowing:
    """A broker with every mechanism, and a listener for client certificates."""

    def __init__(self, broker: Broker, tls_port: int) -> None:
        self.broker = broker
        self.tls_port = tls_port


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowing]:
    port, controller, tls = free_ports(3)
    clients = "listener.name.clients"
    extra = (
        (f"{clients}.sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"),
        (f"{clients}.scram-sha-256.sasl.jaas.config", _SCRAM),
        (f"{clients}.scram-sha-512.sasl.jaas.config", _SCRAM),
        (f"{clients}.oauthbearer.sasl.jaas.config", _TOKENS),
        (
            "listeners",
            f"CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},TLS://127.0.0.1:{tls}",
        ),
        ("advertised.listeners", f"CLIENTS://127.0.0.1:{port},TLS://127.0.0.1:{tls}"),
        ("listener.security.protocol.map", "CLIENTS:SASL_SSL,CONTROLLER:SASL_SSL,TLS:SSL"),
        ("listener.name.tls.ssl.client.auth", "required"),
        ("super.users", "User:admin;User:scram;User:token-user;User:CN=gateway"),
    )
    folder = Path(tmp_path_factory.mktemp("knowing"))
    broker = Broker(folder, port, controller, extra)
    try:
        broker.start()
        admin = AdminClient(broker.client())
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            info = ScramCredentialInfo(mechanism, 4096)
            wanted = UserScramCredentialUpsertion("scram", info, b"scram-secret")
            admin.alter_user_scram_credentials([wanted])["scram"].result(timeout=PATIENCE)
        broker.create("t")
        yield Knowing(broker, tls)
    finally:
        broker.close()


def send(knowing: Knowing, config: dict[str, Any], **certificates: Any) -> tuple[int, Any]:
    async def job(worker: Worker) -> tuple[int, Any]:
        worker.certificates = certificates.get("certificates", {})
        response = await answer(worker.plugin(config), request())
        return response.status, body_of(response)

    return working(job, knowing.broker.ca_file)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram(knowing: Knowing, mechanism: str) -> None:
    authentication = {"mechanism": mechanism, "user": "scram", "password": "scram-secret"}
    config = on_broker(knowing.broker, "t", producer_async=False, authentication=authentication)
    assert send(knowing, config) == (200, SENT)


def test_refused_credentials_fail_at_once_until_they_are_known(knowing: Knowing) -> None:
    # KIP-152: waiting cannot help. "late" becomes a user while the gateway runs.
    authentication = {"mechanism": "SCRAM-SHA-256", "user": "late", "password": "late-secret"}
    config = on_broker(
        knowing.broker,
        "t",
        producer_async=False,
        timeout=60_000,
        producer_request_timeout=6000,
        authentication=authentication,
        error_handling={"return_error_message": True},
    )

    async def job(worker: Worker) -> None:
        handler = worker.plugin(config)
        started = time.monotonic()
        found = [await answer(handler, request()) for _ in range(3)]
        assert time.monotonic() - started < 20
        assert {one.status for one in found} == {502}
        assert "Authentication" in body_of(found[0])["error"]
        assert worker.pool.metrics()["messages"] == 0
        admin = AdminClient(knowing.broker.client())
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        wanted = UserScramCredentialUpsertion("late", info, b"late-secret")
        await asyncio.to_thread(admin.alter_user_scram_credentials([wanted])["late"].result)
        # Known, but with no right to the topic: another refusal, by the broker itself.
        while "Authentication" in body_of(last := await answer(handler, request()))["error"]:
            assert time.monotonic() - started < PATIENCE
            await asyncio.sleep(0.1)
        assert "AuthorizationFailed" in body_of(last)["error"]

    working(job, knowing.broker.ca_file)


def test_a_client_certificate(knowing: Knowing) -> None:
    config = {
        "topic": "t",
        "bootstrap_servers": [{"host": "127.0.0.1", "port": knowing.tls_port}],
        "security": {"ssl": True, "certificate_id": ID},
        "producer_async": False,
    }
    pair = knowing.broker.authority.leaf("gateway")
    assert send(knowing, config, certificates={ID: pair}) == (200, SENT)


def test_a_client_certificate_that_is_not_there_is_500(knowing: Knowing) -> None:
    config = on_broker(knowing.broker, "t", security={"ssl": True, "certificate_id": ID})
    status, body = send(knowing, config)
    assert (status, body["message"]) == (500, "Bad Gateway")


def test_a_client_certificate_that_is_none_is_502(knowing: Knowing) -> None:
    config = on_broker(knowing.broker, "t", security={"ssl": True, "certificate_id": ID})
    status, body = send(knowing, config, certificates={ID: ("no PEM", "no PEM")})
    assert (status, body["message"]) == (502, "Bad Gateway")


class TokenEndpoint(BaseHTTPRequestHandler):
    """Gives out unsigned tokens; ``asked`` holds the forms it got and ``shown`` the Authorization
    headers (empty: none), ``life`` seconds of validity."""

    asked: list[dict[str, list[str]]]
    shown: list[str]
    life = 3600
    broken = False

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["content-length"])).decode()
        type(self).asked.append(parse_qs(form))
        type(self).shown.append(self.headers.get("authorization", ""))
        now = int(time.time())
        claims = {"sub": "token-user", "iat": now, "exp": now + self.life, "scope": "s"}
        token = ".".join((_part({"alg": "none"}), _part(claims), ""))
        body = json.dumps({"access_token": token, "expires_in": self.life}).encode()
        self.send_response(503 if self.broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.fixture
def endpoint() -> Iterator[tuple[str, type[TokenEndpoint]]]:
    handler = type("Endpoint", (TokenEndpoint,), {"asked": [], "shown": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token", handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_tokens(
    knowing: Knowing, url: str, oauth: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    oauth = {
        "token_endpoint_url": url,
        "client_id": "c",
        "client_secret": "s",
        "scopes": ["a", "b"],
        **(oauth or {}),
    }
    authentication = {"mechanism": "OAUTHBEARER", "oauthbearer": oauth}
    return on_broker(
        knowing.broker, "t", producer_async=False, authentication=authentication, **changes
    )


def test_a_token_is_fetched_and_shown(
    knowing: Knowing, endpoint: tuple[str, type[TokenEndpoint]]
) -> None:
    url, handler = endpoint
    assert send(knowing, with_tokens(knowing, url)) == (200, SENT)
    assert handler.asked[0] == {"grant_type": ["client_credentials"], "scope": ["a b"]}
    assert handler.shown[0] == "Basic " + base64.b64encode(b"c:s").decode()


def test_id_and_secret_are_form_encoded_before_they_become_basic_credentials(
    knowing: Knowing, endpoint: tuple[str, type[TokenEndpoint]]
) -> None:
    # RFC 6749 §2.3.1 and appendix B; a colon in the id would end it otherwise.
    url, handler = endpoint
    oauth = {"client_id": "a:b c", "client_secret": "s+t/%é"}
    assert send(knowing, with_tokens(knowing, url, oauth)) == (200, SENT)
    shown = base64.b64decode(handler.shown[0].removeprefix("Basic "))
    assert shown == b"a%3Ab+c:s%2Bt%2F%25%C3%A9"


def test_id_and_secret_go_into_the_form_by_choice(
    knowing: Knowing, endpoint: tuple[str, type[TokenEndpoint]]
) -> None:
    url, handler = endpoint
    oauth = {"auth_method": "client_secret_post"}
    assert send(knowing, with_tokens(knowing, url, oauth)) == (200, SENT)
    assert handler.shown[0] == ""
    assert handler.asked[0] == {
        "grant_type": ["client_credentials"],
        "client_id": ["c"],
        "client_secret": ["s"],
        "scope": ["a b"],
    }


def test_a_token_is_renewed_before_it_ends(
    knowing: Knowing, endpoint: tuple[str, type[TokenEndpoint]]
) -> None:
    url, handler = endpoint
    handler.life = 3

    async def job(worker: Worker) -> None:
        plugin = worker.plugin(with_tokens(knowing, url))
        end = time.monotonic() + PATIENCE
        while len(handler.asked) < 2:
            assert (await answer(plugin, request())).status == 200
            assert time.monotonic() < end
            await asyncio.sleep(0.2)

    working(job, knowing.broker.ca_file)


def test_without_a_token_the_answer_is_502_within_the_deadline(
    knowing: Knowing, endpoint: tuple[str, type[TokenEndpoint]]
) -> None:
    url, handler = endpoint
    handler.broken = True
    started = time.monotonic()
    status, _ = send(knowing, with_tokens(knowing, url, timeout=1500))
    assert status == 502
    assert time.monotonic() - started < 10
