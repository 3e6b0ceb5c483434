# SPDX-License-Identifier: Apache-2.0
"""The stack `konnect` with our real provider, which talks to a fake of Konnect's API.

The clouds are stubs. What is shown is what the provider, under the real engine, asks of Konnect
over the life of a stack, and what a refusal looks like; the fake proves nothing about Konnect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.support.fake_konnect import ENDPOINTS, FakeKonnect
from tools.stubs.install import ROOT
from tools.stubs.session import PLANTED, PulumiOutcome, StubSession
from tools.stubs.warm import warm_session

pytestmark = pytest.mark.engine

TOKEN = f"kpat_{PLANTED}"
TYPES = ("gateway:konnect:ControlPlane", "gateway:konnect:DataPlaneCertificate")


CONSUMER = """
consumers:
  - username: shop
    keyauth_credentials:
      - key: "{vault://env/SHOP_KEY}"
"""


@dataclass
class Account:
    """A stack and the Konnect that it is made on."""

    session: StubSession
    konnect: FakeKonnect
    routes: Path

    def preview(self, *arguments: str) -> dict[str, str]:
        """Return what a preview would do, name to operation."""
        shown = self.session.preview("--json", *arguments)
        assert shown.code == 0, shown.text
        steps = json.loads(shown.output).get("steps", [])
        quiet = ("same", "read")
        return {s["urn"].rsplit("::", 1)[-1]: s["op"] for s in steps if s["op"] not in quiet}

    def up(self) -> PulumiOutcome:
        """Update; it must succeed, and leave nothing to do."""
        made = self.session.up()
        assert made.code == 0, made.text
        assert self.preview("--expect-no-changes") == {}
        return made

    def token(self, token: str) -> None:
        """Configure another token."""
        key = "kafka-gateway:konnectToken"
        done = self.session.pulumi("config", "set", "--secret", "--stack", "konnect", key, token)
        assert done.code == 0, done.text


def account_in(folder: Path, session: StubSession, konnect: FakeKonnect) -> Account:
    routes = folder / "routes.yaml"
    routes.write_text((ROOT / "stacks" / "gateway" / "konnect.yaml").read_text())
    session.write_settings(konnectAddress=konnect.url, routes=str(routes))
    return Account(session, konnect, routes)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("konnect")
    with (
        FakeKonnect(TOKEN).running() as konnect,
        warm_session(folder, "konnect", gateway=False) as session,
    ):
        yield account_in(folder, session, konnect)


# The tests of this module are one life of a stack, in this order.


def test_a_preview_asks_nothing_of_konnect_and_shows_what_would_be_made(account: Account) -> None:
    shown = account.preview()
    assert shown["control-plane"] == "create"
    assert shown["control-plane-data-plane"] == "create"
    assert shown["routes"] == "create"
    assert account.konnect.calls == []


def test_an_update_makes_control_plane_certificate_and_entities(account: Account) -> None:
    account.up()
    (plane,) = account.konnect.planes.values()
    assert plane["name"] == "konnect-dataplane"
    assert plane["labels"]["stack"] == "konnect"
    (registered,) = account.konnect.certificates.values()
    certificate = x509.load_pem_x509_certificate(registered["cert"].encode())
    assert "kafka-gateway-data-plane" in certificate.subject.rfc4514_string()
    (plugin,) = account.konnect.entities["plugins"].values()
    assert plugin["config"]["topic"] == "topictest"
    server = plugin["config"]["bootstrap_servers"][0]
    assert server["host"].endswith(".us-east-2.aws.confluent.cloud")
    assert plugin["config"]["authentication"]["password"] == "{vault://env/KAFKA_API_SECRET}"


def test_the_data_plane_gets_the_address_that_konnect_gave(account: Account) -> None:
    (release,) = [r for u, r in account.session.resources().items() if u.endswith("::data-plane")][
        -1:
    ]
    values = release["inputs"]["values"]
    assert values["env"]["cluster_control_plane"] == ENDPOINTS[0].removeprefix("https://")
    assert values["env"]["cluster_server_name"] == "abc123.us.cp.test"


def test_the_state_and_the_outputs_hold_no_token(account: Account) -> None:
    shown = account.session.preview("--json")
    state = json.dumps(account.session.exported())
    for text in (shown.text, state):
        assert PLANTED not in text
        assert "PRIVATE KEY" not in text


def test_an_edit_of_a_route_is_one_change_of_one_entity(account: Account) -> None:
    text = account.routes.read_text()
    assert "timeout: 10000" in text
    account.routes.write_text(text.replace("timeout: 10000", "timeout: 9000"))
    assert account.preview() == {"routes": "update"}
    account.up()
    (plugin,) = account.konnect.entities["plugins"].values()
    assert plugin["config"]["timeout"] == 9000


def test_calls_that_are_too_many_end_no_update_half_way(account: Account) -> None:
    text = account.routes.read_text()
    account.routes.write_text(text.replace("timeout: 9000", "timeout: 8000"))
    account.konnect.too_many = ["0", "0", "1", "0"]
    assert account.preview() == {"routes": "update"}
    account.konnect.too_many = ["0", "0", "1", "0"]
    account.up()
    assert account.konnect.too_many == []
    (plugin,) = account.konnect.entities["plugins"].values()
    assert plugin["config"]["timeout"] == 8000


def test_keys_of_consumers_are_written_where_konnect_has_the_call(account: Account) -> None:
    text = account.routes.read_text()
    account.routes.write_text(f"{text}\n{CONSUMER}")
    account.up()
    (consumer,) = account.konnect.entities["consumers"].values()
    assert consumer["username"] == "shop"
    wrote = [path for method, path in account.konnect.calls if method in ("PUT", "POST")]
    (key,) = [path for path in wrote if "key-auth" in path]
    assert f"/consumers/{consumer['id']}/key-auth" in key
    account.routes.write_text(text)
    account.up()


def test_a_control_plane_is_renamed_in_place(account: Account) -> None:
    (identity,) = account.konnect.planes
    account.session.write_settings(konnectName="renamed")
    assert account.preview() == {"control-plane": "update"}
    account.up()
    assert account.konnect.planes[identity]["name"] == "renamed"


def test_what_was_changed_by_hand_is_seen_by_a_plain_preview(account: Account) -> None:
    (plane,) = account.konnect.planes.values()
    plane["description"] = "by hand"
    (service,) = account.konnect.entities["services"].values()
    service["host"] = "by-hand.test"
    account.konnect.certificates.clear()
    assert account.preview() == {
        "control-plane": "update",
        "control-plane-data-plane": "update",
        "routes": "update",
    }
    account.up()
    assert plane["description"] == "kafka-gateway, stack konnect"
    assert account.konnect.entities["services"][service["id"]]["host"] == "httpbin.org"
    assert len(account.konnect.certificates) == 1


def test_a_token_that_is_refused_fails_the_update_and_loses_nothing(account: Account) -> None:
    kept = dict(account.konnect.planes)
    account.token(f"kpat_wrong-{PLANTED}")
    failed = account.session.up()
    assert failed.code != 0
    assert "401: Unauthenticated" in failed.text, failed.text
    assert account.konnect.url in failed.text
    assert PLANTED not in failed.text
    assert account.konnect.planes == kept
    account.token(TOKEN)
    account.up()


def test_a_destroy_leaves_nothing(account: Account) -> None:
    gone = account.session.destroy()
    assert gone.code == 0, gone.text
    assert account.konnect.planes == account.konnect.certificates == {}
    assert not any(account.konnect.entities.values())
    kept: dict[str, Any] = account.session.resources()
    assert not [urn for urn in kept if any(kind in urn for kind in TYPES)]


def test_a_first_update_with_a_wrong_token_is_finished_by_the_next(tmp_path: Path) -> None:
    with (
        FakeKonnect("kpat_another").running() as konnect,
        warm_session(tmp_path, "konnect", gateway=False) as session,
    ):
        account = account_in(tmp_path, session, konnect)
        failed = session.up()
        assert failed.code != 0
        assert "401: Unauthenticated" in failed.text, failed.text
        assert konnect.planes == {}
        account.token("kpat_another")
        account.up()
        assert len(konnect.planes) == len(konnect.certificates) == 1
