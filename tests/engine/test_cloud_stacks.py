# SPDX-License-Identifier: Apache-2.0
"""Every cloud stack on the real engine and stubs: what it registers, and that it stays put.

See tools/stubs/README.md for what this proves and what it does not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.chart import render
from tests.support.snapshots import record, recorded, snapshot
from tools.preview_comment import comment
from tools.preview_document import read_preview
from tools.stubs.session import PLANTED, PulumiOutcome, StubSession
from tools.stubs.warm import warm_session

pytestmark = pytest.mark.engine

STACKS = ("dev", "staging", "prod", "konnect")
COMPONENTS = {
    "kafka-gateway:confluent:ConfluentKafka",
    "kafka-gateway:eks:GatewayCluster",
    "kafka-gateway:certificates:ClusterCertificates",
    "kafka-gateway:routes:GatewayRoutes",
    "kafka-gateway:data-plane:GatewayRelease",
}


@dataclass
class Life:
    """A stack that was previewed and then made."""

    stack: str
    session: StubSession
    preview: PulumiOutcome
    made: PulumiOutcome
    resources: dict[str, dict[str, Any]]
    """The state right after the update, by URN."""


@pytest.fixture(scope="module", params=STACKS)
def life(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Life]:
    stack: str = request.param
    with warm_session(tmp_path_factory.mktemp(stack), stack) as session:
        preview = session.preview("--json")
        assert not list(session.world.things()), "a preview makes nothing"
        made = session.up()
        yield Life(stack, session, preview, made, session.resources())


def changes(shown: PulumiOutcome) -> dict[str, str]:
    """Return what a preview in JSON would do: name to operation."""
    steps = json.loads(shown.output).get("steps", [])
    # The load balancer's Service is read each time; that changes nothing.
    quiet = ("same", "read")
    return {s["urn"].rsplit("::", 1)[-1]: s["op"] for s in steps if s["op"] not in quiet}


def test_the_first_preview_and_the_first_update_succeed(life: Life) -> None:
    assert life.preview.code == 0, life.preview.text
    assert life.made.code == 0, life.made.text
    assert set(changes(life.preview).values()) == {"create"}


def test_a_second_update_has_nothing_to_do(life: Life) -> None:
    shown = life.session.preview("--expect-no-changes", "--diff")
    assert shown.code == 0, shown.text


def test_the_snapshot_of_urns_and_inputs_is_the_committed_one(life: Life) -> None:
    found = snapshot(life.resources)
    if os.environ.get("RECORD_SNAPSHOTS"):
        record(life.stack, found)
    expected = recorded(life.stack)
    renamed = set(expected) ^ set(found)
    assert not renamed, f"a changed URN replaces its resource, or needs an alias: {sorted(renamed)}"
    assert found == expected, "review the difference, then record it with RECORD_SNAPSHOTS=1"


def test_only_components_and_the_stack_stand_at_the_root(life: Life) -> None:
    for urn, resource in life.resources.items():
        kind = resource["type"]
        # The engine's own providers: of eks, whose component is remote, and of ours, which has no
        # configuration that could be confused.
        if urn.rpartition("::")[2].startswith("default") or kind == "pulumi:pulumi:Stack":
            continue
        at_the_root = "::pulumi:pulumi:Stack::" in resource.get("parent", "")
        assert at_the_root == kind.startswith("kafka-gateway:"), urn
    assert {resource["type"] for resource in life.resources.values()} >= COMPONENTS


def test_every_resource_of_a_cloud_names_its_provider(life: Life) -> None:
    for urn, resource in life.resources.items():
        if resource["type"].split(":")[0] in ("aws", "kubernetes", "confluentcloud"):
            assert "::default" not in resource["provider"], urn


def test_protection_and_retention_follow_the_configuration(life: Life) -> None:
    protected = {r["type"] for r in life.resources.values() if r.get("protect")}
    if life.stack != "prod":
        assert not protected
        return
    assert protected >= {
        "confluentcloud:index/environment:Environment",
        "confluentcloud:index/kafkaCluster:KafkaCluster",
        "confluentcloud:index/kafkaTopic:KafkaTopic",
        "aws:ec2/vpc:Vpc",
        "eks:index:Cluster",
    }
    topics = [r for r in life.resources.values() if r["type"].endswith(":KafkaTopic")]
    assert all(topic["retainOnDelete"] for topic in topics)


def hidden(life: Life) -> set[str]:
    """Return what must appear nowhere: what was planted, and what the stubs handed out."""
    found = {PLANTED, "cfltstub"}
    for thing in life.session.world.things():
        for name in ("secret", "privateKeyPem"):
            value = thing.outputs.get(name)
            if isinstance(value, str):
                found.add(value.splitlines()[1] if "\n" in value else value)
    return found


def test_secrets_appear_in_no_output_and_in_no_state(life: Life) -> None:
    session = life.session
    outputs = session.pulumi("stack", "output", "--json", "--stack", life.stack)
    everything = [
        life.preview.text,
        life.made.text,
        outputs.text,
        json.dumps(session.exported()),
        comment([read_preview(life.stack, life.preview.output)]),
        (session.folder / "program.log").read_text(),
    ]
    for text in everything:
        for secret in hidden(life):
            assert secret not in text


def test_secrets_appear_in_no_value_of_a_chart_and_in_nothing_rendered(life: Life) -> None:
    releases = [r["inputs"] for r in life.resources.values() if r["type"].endswith("v3:Release")]
    assert releases
    secrets = hidden(life)
    assert len(secrets) > 5
    for inputs in releases:
        texts = [json.dumps(inputs["values"])]
        # Kong's chart is not here; its values are all that it is given.
        if inputs["chart"] == "./gateway/chart":
            rendered = render(inputs["values"], inputs["name"], inputs["namespace"])
            texts.append(json.dumps(list(rendered.values())))
        for text in texts:
            assert not [secret for secret in secrets if secret in text], inputs["name"]


def test_the_outputs_say_where_kafka_and_the_gateway_are(life: Life) -> None:
    shown = life.session.pulumi(
        "stack", "output", "--json", "--show-secrets", "--stack", life.stack
    )
    outputs = json.loads(shown.output)
    assert outputs["proxyUrl"].startswith("http")
    assert outputs["kafka"]["bootstrapServers"].endswith(".aws.confluent.cloud:9092")
    assert outputs["kafka"]["readerKey"]
    assert outputs["kafka"]["readerSecret"].startswith("cfltstub")
    assert json.loads(outputs["kubeconfig"])["kind"] == "Config"


def test_wrong_configuration_is_told_all_at_once_before_anything_is_registered(life: Life) -> None:
    session = life.session
    wrong = {
        "vpcCidr": "10.0.0.0/24",
        "topics": [{"name": "orders", "partitions": 0}],
        "kubernetesVersion": "1.21",
        "confluentRegion": "us-west-1",
        "clusterServerName": "control-plane.example",
        "namespace": "Bad_NS",
        "certificateArn": "my-cert",
        "hostname": "https://gateway.example.com",
        "clusterRegion": "us-gov-west-1",
        "replicaz": 3,
    }
    before = {key: session.settings.get(f"kafka-gateway:{key}") for key in wrong}
    session.write_settings(**wrong)
    try:
        shown = session.preview()
    finally:
        session.write_settings(**before)
    assert shown.code != 0
    assert f"stacks/Pulumi.{life.stack}.yaml cannot be used:" in shown.text
    for said in (
        "vpcCidr: '10.0.0.0/24' is not a network of size /16 to /21",
        "topics[0].partitions: 0 is not a whole number from 1",
        "kubernetesVersion: '1.21' is not one of 1.33, 1.34, 1.35, 1.36",
        "confluentRegion: 'us-west-1' has no Confluent clusters; allowed in the United States: ",
        "clusterServerName: 'control-plane.example' without clusterControlPlane",
        "namespace: 'Bad_NS' is not a name of lower-case letters",
        "certificateArn: 'my-cert' is not the ARN of a certificate",
        "hostname: 'https://gateway.example.com' is not a name such as gateway.example.com",
        "clusterRegion: 'us-gov-west-1' is in another partition of AWS",
        'replicaz: unknown key; did you mean "replicas"?',
    ):
        assert said in shown.text, shown.text
    assert "Traceback" not in shown.text
    assert "aws:ec2" not in shown.text


def test_a_secret_in_clear_is_refused_and_not_shown(life: Life) -> None:
    session = life.session
    before = session.settings.get("kafka-gateway:konnectToken")
    session.write_settings(konnectToken="kpat_in_clear")
    try:
        shown = session.preview()
    finally:
        session.write_settings(konnectToken=before)
    assert shown.code != 0
    assert "konnectToken: in clear, in a file that is committed" in shown.text, shown.text
    assert "pulumi config set --secret konnectToken" in shown.text
    assert "kpat_in_clear" not in shown.text


def test_one_edit_is_one_step(life: Life) -> None:
    topics = life.session.settings["kafka-gateway:topics"]
    edited = [{**topics[0], "config": {"retention.ms": "3600000"}}, *topics[1:]]
    life.session.write_settings(topics=edited)
    try:
        shown = life.session.preview("--json")
    finally:
        life.session.write_settings(topics=topics)
    assert changes(shown) == {"kafka-topic-topictest": "update"}
    made = comment([read_preview(life.stack, shown.output)])
    assert 'config["retention.ms"]' in made
    assert "1 to update" in made


def test_a_mistyped_region_is_shown_as_the_loss_that_it_is(life: Life) -> None:
    before = life.session.settings["kafka-gateway:confluentRegion"]
    life.session.write_settings(confluentRegion="us-west-2")
    try:
        shown = life.session.preview("--json")
    finally:
        life.session.write_settings(confluentRegion=before)
    if life.stack == "prod":
        # Its names are given, so each is deleted first: the engine refuses that while protected.
        assert shown.code != 0
        assert "unable to replace resource" in shown.text, shown.text
        assert "as it is currently marked for protection" in shown.text, shown.text
        return
    preview = read_preview(life.stack, shown.output, shown.errors, shown.code)
    names = {change.name for change in preview.losses}
    assert {"kafka-cluster", "kafka-topic-topictest"} <= names
    made = comment([preview])
    assert "**REPLACED** `kafka-cluster`" in made
    assert "because of `region`" in made


def test_what_was_changed_or_deleted_by_hand_is_seen_and_put_right(life: Life) -> None:
    session = life.session
    (topic,) = [t for t in session.world.things() if t.type.endswith(":KafkaTopic")]
    session.world.edit(topic, {"config": {"retention.ms": "1"}})
    (secret, *_) = [t for t in session.world.things() if t.urn.endswith("::data-plane-key-secret")]
    session.world.file(secret.type, secret.id, secret.place).unlink()
    shown = session.preview("--refresh", "--json")
    wanted = {"kafka-topic-topictest": "update", "data-plane-key-secret": "create"}
    assert wanted.items() <= changes(shown).items(), shown.text
    assert session.refresh().code == 0
    repaired = session.up()
    assert repaired.code == 0, repaired.text
    (again,) = [t for t in session.world.things() if t.type.endswith(":KafkaTopic")]
    # A setting that nobody wrote down goes back to its default, which is written: the provider
    # refuses to take one out.
    assert again.inputs["config"] == {"retention.ms": "604800000"}
    assert session.world.get(secret.type, secret.id, secret.place)


def test_a_teardown_leaves_nothing_and_is_refused_while_something_is_protected(life: Life) -> None:
    session = life.session
    if life.stack == "prod":
        before = len(list(session.world.things()))
        refused = session.destroy()
        assert refused.code != 0
        assert "protected" in refused.text
        assert len(list(session.world.things())) == before, "nothing went before it was refused"
        session.write_settings(protect=False, retain=False)
        assert session.up().code == 0
    gone = session.destroy()
    assert gone.code == 0, gone.text
    # What goes with its cluster or its broker is not deleted one by one, by intention.
    left = {thing.type for thing in session.world.things()}
    assert not left & {
        "confluentcloud:index/kafkaCluster:KafkaCluster",
        "aws:ec2/vpc:Vpc",
        "aws:eks/cluster:Cluster",
        "kubernetes:helm.sh/v3:Release~data-plane",
    }
    releases = {t.inputs["name"] for t in session.world.things() if t.type.endswith(":Release")}
    assert "kong-dp" not in releases, "its load balancer would hold the network"
