# SPDX-License-Identifier: Apache-2.0
"""The story, step by step, against real processes: what an SRE does and what may go wrong.

The tests share one stack and each leaves it as it found it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.checkout import Checkout, Outcome
from tests.support.processes import alive, children_of, kill, name_of, running_in
from tests.support.traffic import get, steady, succeeds
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.e2e

SENT = b'{"message":"message sent"}'


def consume(checkout: Checkout, topic: str, *flags: str) -> list[str]:
    command = (".venv/bin/kafka-gateway", "topic", "consume", topic, "--from-beginning", *flags)
    outcome = checkout.run(*command)
    assert outcome.code == 0, outcome.text
    return [line for line in outcome.text.splitlines() if line.startswith("{")]


def master(checkout: Checkout, name: str) -> int:
    folder = checkout.folder / ".state" / "local" / name
    return int(json.loads((folder / "process.json").read_text())["identity"]["pid"])


def unchanged(outcome: Outcome) -> bool:
    return outcome.code == 0 and not re.search(r"^\s+[~+-]{1,2} \d+ ", outcome.text, re.MULTILINE)


def ready(checkout: Checkout) -> bool:
    return succeeds(checkout.ports.status, "/status/ready")


def serves(checkout: Checkout) -> bool:
    return succeeds(checkout.ports.proxy, "/httpbin/get")


@contextmanager
def restarted_by_hand(checkout: Checkout, name: str) -> Iterator[None]:
    """Kill a process of the stack and start the same command again, as a supervisor would."""
    pid = master(checkout, name)
    command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    pairs = Path(f"/proc/{pid}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    environment = dict(os.fsdecode(pair).split("=", 1) for pair in pairs)
    folder = checkout.folder / ".state" / "local" / name
    kill(*running_in(folder))
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture
def edited_routes(checkout: Checkout) -> Iterator[Checkout]:
    """Give the checkout; put its routes back afterwards, on disk and live."""
    before = checkout.routes.read_text()
    yield checkout
    checkout.routes.write_text(before)
    assert checkout.up().code == 0


def test_a_second_up_changes_nothing_and_prints_a_line_to_paste(checkout: Checkout) -> None:
    outcome = checkout.run("make", "--no-print-directory", "up")
    assert unchanged(outcome), outcome.text
    assert f"proxy  {checkout.proxy}" in outcome.text
    assert f"curl -i {checkout.proxy}/httpbin/get -H aaa:888" in outcome.text


def test_no_route_answers_404_as_in_the_story(checkout: Checkout) -> None:
    reply = get(checkout.ports.proxy, "/")
    assert reply.status == 404
    assert reply.body == b'{"message":"no Route matched with those values"}'
    assert reply.headers["content-length"] == "48"
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["server"].startswith("kafka-gateway/")
    assert reply.headers["x-kong-response-latency"].isdigit()


def test_a_request_becomes_a_record_with_its_headers(checkout: Checkout) -> None:
    reply = get(checkout.ports.proxy, "/httpbin/get", {"aaa": "888"})
    assert (reply.status, reply.body) == (200, SENT)
    values = [json.loads(line) for line in consume(checkout, "topictest", "--max", "1")]
    assert values[0]["headers"]["aaa"] == "888"


def test_another_topic_is_one_property_and_no_request_fails(edited_routes: Checkout) -> None:
    routes = edited_routes.routes
    text = routes.read_text()
    routes.write_text(text.replace("${kafka.topics.topictest}", "${kafka.topics.topictest2}"))
    shown = edited_routes.preview()
    assert shown.code == 0, shown.text
    assert "topictest2" in shown.text
    changed = re.findall(r"^\s+~ .*$", shown.text, re.MULTILINE)
    assert any("kafka-upstream" in line or "topic" in line for line in changed), shown.text
    assert re.search(r"~ 1 to update", shown.text), shown.text
    with steady(edited_routes.ports.proxy, "/httpbin/get") as traffic:
        assert edited_routes.up().code == 0
    assert set(traffic.statuses) == {200}, traffic
    assert not traffic.broken
    marker = {"marker": "to-the-other-topic"}
    assert get(edited_routes.ports.proxy, "/httpbin/get", marker).status == 200
    assert any("to-the-other-topic" in line for line in consume(edited_routes, "topictest2"))


def test_without_the_control_plane_requests_work_and_a_restart_serves(checkout: Checkout) -> None:
    kill(master(checkout, "control-plane"))
    assert get(checkout.ports.proxy, "/httpbin/get").body == SENT
    with restarted_by_hand(checkout, "data-plane"):
        eventually(lambda: serves(checkout))
        assert get(checkout.ports.proxy, "/httpbin/get").body == SENT
    outcome = checkout.preview()
    assert outcome.code == 0, outcome.text
    assert "control-plane" in outcome.text
    assert "data-plane" in outcome.text
    assert checkout.up().code == 0
    assert get(checkout.ports.proxy, "/httpbin/get").body == SENT


def test_a_killed_worker_breaks_only_its_own_connections(checkout: Checkout) -> None:
    workers = [
        pid for pid in children_of(master(checkout, "data-plane")) if "worker" in name_of(pid)
    ]
    assert len(workers) == 2
    with steady(checkout.ports.proxy, "/httpbin/get") as traffic:
        eventually(lambda: traffic.sent > 20)
        kill(workers[0])
        seen = traffic.sent
        eventually(lambda: traffic.sent > seen + 50)
    assert set(traffic.statuses) == {200}, traffic
    assert len(traffic.broken) <= 1, traffic
    eventually(lambda: len(children_of(master(checkout, "data-plane"))) >= 2)


def test_without_the_broker_502_comes_within_the_deadline_and_it_recovers(
    checkout: Checkout,
) -> None:
    kill(*running_in(checkout.folder / ".state" / "local" / "kafka"))
    started = time.monotonic()
    reply = get(checkout.ports.proxy, "/httpbin/get")
    assert reply.status == 502, reply
    assert json.loads(reply.body)["message"] == "Bad Gateway"
    assert time.monotonic() - started < 60
    data_plane = master(checkout, "data-plane")
    outcome = checkout.up()
    assert outcome.code == 0, outcome.text
    eventually(lambda: get(checkout.ports.proxy, "/httpbin/get").status == 200)
    assert master(checkout, "data-plane") == data_plane, "it was not restarted"
    assert consume(checkout, "topictest", "--max", "1"), "the records are still there"


def test_what_was_changed_by_hand_is_named_and_put_right(checkout: Checkout) -> None:
    outputs = json.loads(checkout.pulumi("stack", "output", "--json", "--show-secrets").text)
    url = f"127.0.0.1:{checkout.ports.admin}"
    connection = http.client.HTTPConnection(url)
    body = json.dumps({"paths": ["/elsewhere"]})
    headers = {"Kong-Admin-Token": outputs["adminToken"], "Content-Type": "application/json"}
    headers["X-Kafka-Gateway-Owner"] = "*"
    connection.request("PATCH", "/routes/httpbinroute", body, headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()
    eventually(lambda: get(checkout.ports.proxy, "/httpbin/get").status == 404)
    shown = checkout.preview()
    assert 'routes["httpbinroute"].paths' in shown.text, shown.text
    assert not unchanged(shown)
    assert checkout.up().code == 0
    assert get(checkout.ports.proxy, "/httpbin/get").status == 200


def test_a_deleted_topic_is_named_and_made_again(checkout: Checkout) -> None:
    from confluent_kafka.admin import AdminClient

    state = checkout.folder / ".state" / "local" / "kafka" / "server.properties"
    user, password = re.search(  # type: ignore[union-attr]  # the broker's own file has them
        r'username="([^"]+)" password="([^"]+)"', state.read_text()
    ).groups()
    admin = AdminClient(
        {
            "bootstrap.servers": f"127.0.0.1:{checkout.ports.kafka}",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": user,
            "sasl.password": password,
            "ssl.ca.location": str(state.with_name("ca.crt")),
            "log_level": 0,
        }
    )
    admin.delete_topics(["topictest2"])["topictest2"].result(timeout=PATIENCE)
    eventually(lambda: "topictest2" not in admin.list_topics(timeout=PATIENCE).topics)
    shown = checkout.preview()
    assert "topictest2" in shown.text, shown.text
    assert not unchanged(shown)
    assert checkout.up().code == 0
    assert "topictest2" in admin.list_topics(timeout=PATIENCE).topics


def test_after_a_reboot_up_brings_everything_back_with_the_records(checkout: Checkout) -> None:
    before = consume(checkout, "topictest")
    kill(*[pid for pid in running_in(checkout.folder / ".state") if alive(pid)])
    eventually(lambda: not [pid for pid in running_in(checkout.folder / ".state") if alive(pid)])
    outcome = checkout.up()
    assert outcome.code == 0, outcome.text
    assert get(checkout.ports.proxy, "/httpbin/get").body == SENT
    assert consume(checkout, "topictest")[: len(before)] == before


def test_the_key_is_rotated_without_a_restart(checkout: Checkout) -> None:
    broker, data_plane = master(checkout, "kafka"), master(checkout, "data-plane")
    checkout.write_settings(apiKeySlot="b")
    try:
        with steady(checkout.ports.proxy, "/httpbin/get") as traffic:
            outcome = checkout.up()
            assert outcome.code == 0, outcome.text
        assert set(traffic.statuses) == {200}, traffic
        assert not traffic.broken
        assert (broker, data_plane) == (
            master(checkout, "kafka"),
            master(checkout, "data-plane"),
        )
        assert get(checkout.ports.proxy, "/httpbin/get").body == SENT
    finally:
        checkout.write_settings(apiKeySlot="a")
        assert checkout.up().code == 0


def urn_of(checkout: Checkout, name: str) -> str:
    resources = json.loads(checkout.state().read_text())["checkpoint"]["latest"]["resources"]
    (found,) = [one["urn"] for one in resources if one["urn"].endswith(f"::{name}")]
    return str(found)


def expiry_seen(checkout: Checkout) -> list[int]:
    """Return when the certificates end that connected data planes have shown."""
    token = checkout.folder / ".state" / "local" / "control-plane" / "admin-token"
    headers = {"Kong-Admin-Token": token.read_text().strip()}
    rows = json.loads(get(checkout.ports.admin, "/clustering/data-planes", headers).body)["data"]
    return [row["cert_details"]["expiry_timestamp"] for row in rows]


def test_certificates_are_renewed_without_a_restart(checkout: Checkout) -> None:
    before = {name: master(checkout, name) for name in ("control-plane", "data-plane")}
    (shown,) = expiry_seen(checkout)
    # Certificates tell their end by the second.
    eventually(lambda: time.time() > shown - 397 * 86400 + 2)
    with steady(checkout.ports.proxy, "/httpbin/get") as traffic:
        for side in ("data-plane", "control-plane"):
            urn = urn_of(checkout, f"certificates-{side}")
            outcome = checkout.up("--replace", urn, "--target-dependents")
            assert outcome.code == 0, outcome.text
    assert set(traffic.statuses) == {200}, traffic
    assert not traffic.broken
    assert {name: master(checkout, name) for name in before} == before
    # The next connection is made with both new ones.
    kill(before["control-plane"])
    assert checkout.up().code == 0
    eventually(lambda: [seen > shown for seen in expiry_seen(checkout)] == [True])
    assert unchanged(checkout.up())


def test_a_reference_without_a_value_fails_the_up_and_the_old_one_serves(
    edited_routes: Checkout,
) -> None:
    routes = edited_routes.routes
    routes.write_text(routes.read_text().replace("KAFKA_API_SECRET", "NO_SUCH_VALUE"))
    outcome = edited_routes.pulumi("up", "--yes", "--color", "never")
    assert outcome.code != 0
    assert "{vault://env/NO_SUCH_VALUE}" in outcome.text, outcome.text
    assert get(edited_routes.ports.proxy, "/httpbin/get").body == SENT


_SHOP = """
  - name: shop
    url: http://127.0.0.1:9
    routes:
      - name: shop
        paths: [/shop]
        plugins:
          - name: key-auth
          - name: request-termination
            config: {status_code: 200}
consumers:
  - username: shop
    keyauth_credentials:
      - key: "{vault://env/SHOP_KEY}"
"""


def test_a_secret_and_the_first_route_that_names_it_come_and_go_in_one_up_each(
    edited_routes: Checkout,
) -> None:
    checkout, routes = edited_routes, edited_routes.routes.read_text()
    pid, ports = master(checkout, "data-plane"), checkout.ports
    setting = ("config", "set", "--secret", "--path", "secrets.SHOP_KEY", "key-of-the-shop")
    assert checkout.pulumi(*setting).code == 0
    checkout.routes.write_text(routes.rstrip() + _SHOP)
    outcome = checkout.up()
    assert outcome.code == 0, outcome.text
    assert get(ports.proxy, "/shop", {"apikey": "key-of-the-shop"}).status == 200
    assert get(ports.proxy, "/shop").status == 401
    assert unchanged(checkout.up())
    checkout.write_settings()
    checkout.routes.write_text(routes)
    with steady(ports.proxy, "/httpbin/get") as traffic:
        outcome = checkout.up()
    assert outcome.code == 0, outcome.text
    assert (set(traffic.statuses), traffic.broken) == ({200}, [])
    assert get(ports.proxy, "/shop").status == 404
    folder = checkout.folder / ".state" / "local" / "data-plane"
    assert "SHOP_KEY" not in (folder / "vault.env").read_text()
    assert master(checkout, "data-plane") == pid, "it was not restarted"


def test_stopping_leaves_within_the_grace_time(checkout: Checkout) -> None:
    pid = master(checkout, "data-plane")
    started = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not alive(pid))
    assert time.monotonic() - started < 60
    assert checkout.up().code == 0
    assert ready(checkout)
