# SPDX-License-Identifier: Apache-2.0
"""What a live stack leaves behind, whom it lets in, what its edge is like, by the engine's plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.plans import changed, planned, refused
from tools.stubs.session import StubSession
from tools.stubs.warm import warm_session
from tools.stubs.world import Thing
from tools.teardown import report

pytestmark = pytest.mark.engine

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
COSTS = (
    "aws:ec2/eip:Eip",
    "aws:ec2/natGateway:NatGateway",
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "confluentcloud:index/kafkaCluster:KafkaCluster",
    "kubernetes:helm.sh/v3:Release",
    LOG_GROUP,
    CLAIM,
)
VIEWER = "arn:aws:iam::123456789012:role/preview"
RENEWER = "arn:aws:iam::123456789012:role/renewal"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubSession]:
    with warm_session(tmp_path_factory.mktemp("live"), "dev") as session:
        made = session.up()
        assert made.code == 0, made.text
        yield session


def things(session: StubSession, kind: str) -> list[Thing]:
    return [thing for thing in session.world.things() if thing.type == kind]


def values(session: StubSession, name: str) -> dict[str, Any]:
    """Return a release's values."""
    (found,) = (
        t for t in things(session, "kubernetes:helm.sh/v3:Release") if t.inputs["name"] == name
    )
    made: dict[str, Any] = found.inputs["values"]
    return made


def forget(session: StubSession, *names: str) -> None:
    """Take resources out of the state, and whatever says that others depend on them."""
    kept = session.exported()
    resources = kept["deployment"]["resources"]
    gone = {one["urn"] for one in resources if one["urn"].rsplit("::", 1)[-1] in names}
    assert len(gone) == len(names)
    kept["deployment"]["resources"] = [one for one in resources if one["urn"] not in gone]
    for one in kept["deployment"]["resources"]:
        one["dependencies"] = [urn for urn in one.get("dependencies", ()) if urn not in gone]
        for name, urns in (one.get("propertyDependencies") or {}).items():
            one["propertyDependencies"][name] = [urn for urn in urns or () if urn not in gone]
    file = session.folder / "state.json"
    file.write_text(json.dumps(kept))
    done = session.pulumi("stack", "import", "--stack", session.stack, "--file", str(file))
    assert done.code == 0, done.text


# --- what stays ---------------------------------------------------------------------------------


def test_a_teardown_of_dev_leaves_nothing_that_costs(tmp_path: Path) -> None:
    with warm_session(tmp_path, "dev") as session:
        assert session.up().code == 0
        assert {thing.type for thing in session.world.things()} >= set(COSTS)
        assert report(list(session.resources().values())) == "nothing stays\n"
        gone = session.destroy()
        assert gone.code == 0, gone.text
        assert not {thing.type for thing in session.world.things()} & set(COSTS)
        order = [e.urn.rsplit("::", 1)[-1] for e in session.world.log() if e.operation == "delete"]
        # The disk goes while its driver is there, the log when nobody writes to it any more.
        for first, later in (
            ("control-plane", "control-plane-claim"),
            ("control-plane-claim", "cluster-ebs"),
            ("cluster-ebs", "cluster-nodes"),
            ("cluster-eksCluster", "cluster-log"),
            ("cluster-eksCluster", "cluster-control-no-logs"),
        ):
            assert order.index(first) < order.index(later), (first, later)


def test_what_prod_keeps_is_listed(tmp_path: Path) -> None:
    with warm_session(tmp_path, "prod") as session:
        assert session.up().code == 0
        said = report(list(session.resources().values()))
    assert "protected, so that nothing is destroyed: " in said
    assert "  KafkaTopic lkc-" in said
    assert "  PersistentVolumeClaim kong-dp/prefix-kong-cp-kong-0\n" in said
    assert "  the disks of claims, kong-dp/prefix-kong-cp-kong-0: EBS volumes\n" in said


def test_how_long_the_log_is_kept_is_a_setting(live: StubSession) -> None:
    (log,) = things(live, LOG_GROUP)
    assert log.inputs["retentionInDays"] == 30
    assert planned(live, clusterLogDays=90) == ["update cluster-log: retentionInDays"]
    assert "clusterLogDays: 31 is none that CloudWatch has" in refused(live, clusterLogDays=31)


def test_what_eks_and_a_statefulset_made_before_is_taken_over(tmp_path: Path) -> None:
    with warm_session(tmp_path, "dev") as session:
        assert session.up().code == 0
        # As a stack was that had neither: they are there, and not in the state.
        forget(session, "cluster-log", "control-plane-claim")
        made = session.up()
        assert made.code == 0, made.text
        names = {urn.rsplit("::", 1)[-1] for urn in session.resources()}
        assert names >= {"cluster-log", "control-plane-claim"}
        again = session.up()
        assert again.code == 0, again.text
        settled = session.preview("--expect-no-changes", "--diff")
        assert settled.code == 0, settled.text


# --- nodes and networks --------------------------------------------------------------------------


def test_network_policies_are_enforced_and_pods_do_not_reach_the_metadata_service(
    live: StubSession,
) -> None:
    (network,) = (
        t for t in things(live, "aws:eks/addon:Addon") if t.inputs["addonName"] == "vpc-cni"
    )
    assert json.loads(network.inputs["configurationValues"]) == {"enableNetworkPolicy": "true"}
    (template,) = things(live, "aws:ec2/launchTemplate:LaunchTemplate")
    options = template.inputs["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)
    (nodes,) = things(live, "aws:eks/nodeGroup:NodeGroup")
    assert nodes.inputs["launchTemplate"]["id"] == template.id


def test_nodes_without_a_template_are_followed_by_some_with_one(live: StubSession) -> None:
    (nodes,) = things(live, "aws:eks/nodeGroup:NodeGroup")
    before = {k: v for k, v in nodes.inputs.items() if k != "launchTemplate"}
    file = live.world.file(nodes.type, nodes.id, nodes.place)
    whole = file.read_text()
    file.write_text(json.dumps({**json.loads(whole), "inputs": before}))
    shown = live.preview("--refresh", "--diff", "--show-replacement-steps")
    file.write_text(whole)
    assert shown.code == 0, shown.text
    assert shown.output.index("create-replacement") < shown.output.index("delete-replaced")


def test_auto_mode_enforces_policies_too_and_names_clients(tmp_path: Path) -> None:
    with warm_session(tmp_path, "dev") as session:
        session.write_settings(clusterMode="auto")
        made = session.up()
        assert made.code == 0, made.text
        (switch,) = things(session, "kubernetes:core/v1:ConfigMap")
        assert switch.id == "kube-system/amazon-vpc-cni"
        assert switch.inputs["data"] == {"enable-network-policy-controller": "true"}
        given = values(session, "kong-dp")
        assert given["env"]["real_ip_header"] == "proxy_protocol"
        assert given["env"]["trusted_ips"] == "10.10.16.0/23,10.10.48.0/23"
        for side in ("http", "tls"):
            assert given["proxy"][side]["parameters"] == ["proxy_protocol"]


@pytest.mark.parametrize("kind", ["t9.large", "m99.large"])
def test_a_type_of_nodes_that_does_not_exist_is_told_at_the_preview(
    live: StubSession, kind: str
) -> None:
    said = refused(live, nodeType=kind)
    assert f"nodeType: '{kind}' does not exist in us-east-2" in said


def test_a_type_that_a_zone_lacks_is_told_with_the_zones_that_have_it(live: StubSession) -> None:
    live.world.say("offerings", {"m7i.large": ["stub-1a", "stub-1c"]})
    said = refused(live, nodeType="m7i.large")
    live.world.say("offerings", {})
    assert "nodeType: 'm7i.large' does not exist in stub-1b; it does in stub-1a, stub-1c" in said


# --- who gets in ---------------------------------------------------------------------------------


def test_viewers_read_and_dry_run_and_renewals_change_secrets_and_releases(
    live: StubSession,
) -> None:
    steps = planned(live, viewerArns=[VIEWER], renewalArns=[RENEWER])
    assert sorted(set(steps)) == [
        "make cluster-123456789012/role/preview",
        "make cluster-123456789012/role/renewal",
        "make people",
        "make people-dry-runs",
        "make people-renewers",
        "make people-viewers",
        "make people-viewers-releases",
        "update cluster: accessEntries",
    ]
    with changed(live, viewerArns=[VIEWER], renewalArns=[RENEWER]):
        made = live.up()
        assert made.code == 0, made.text
        entries = {
            t.inputs["principalArn"]: t.inputs["kubernetesGroups"]
            for t in things(live, "aws:eks/accessEntry:AccessEntry")
        }
        assert entries == {VIEWER: ["kafka-gateway:viewers"], RENEWER: ["kafka-gateway:renewers"]}
        (policy,) = things(
            live, "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
        )
        (rule,) = policy.inputs["spec"]["validations"]
        assert rule["expression"] == "has(request.dryRun) && request.dryRun"
    assert live.up().code == 0


def test_nobody_is_let_in_twice(live: StubSession) -> None:
    said = refused(live, adminArns=[VIEWER], viewerArns=[VIEWER])
    assert f"viewerArns: '{VIEWER}' is in adminArns as well; keep it in one of the two" in said


def test_no_identity_provider_is_made_that_nobody_uses(live: StubSession) -> None:
    assert not things(live, "aws:iam/openIdConnectProvider:OpenIdConnectProvider")


# --- the edge ------------------------------------------------------------------------------------


def test_behind_managed_nodes_the_client_keeps_its_address(live: StubSession) -> None:
    proxy = values(live, "kong-dp")["proxy"]
    assert proxy["externalTrafficPolicy"] == "Local"


def test_a_name_needs_a_certificate_and_may_have_one_made(live: StubSession) -> None:
    name = {"hostname": "api.example.com"}
    said = refused(live, **name)
    assert "hostname: 'api.example.com' without a certificate" in said
    zone = {**name, "certificateZone": "Z0123456789ABC"}
    steps = planned(live, **zone)
    assert steps == [
        "make listener",
        "make listener-aws",
        "make listener",
        "make listener-proof",
        "make listener-valid",
        "update data-plane: values",
    ]
    with changed(live, **zone):
        made = live.up()
        assert made.code == 0, made.text
        notes = values(live, "kong-dp")["proxy"]["annotations"]
        prefix = "service.beta.kubernetes.io/aws-load-balancer-"
        assert notes[f"{prefix}ssl-cert"].startswith("arn:aws:acm:us-east-2:")
        assert notes[f"{prefix}ssl-negotiation-policy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert live.up().code == 0


def test_a_schema_registry_reaches_the_data_plane_and_the_outputs(live: StubSession) -> None:
    steps = planned(live, schemaRegistry=True)
    assert sorted(step.partition(":")[0] for step in steps) == [
        "make kafka-schemas",
        "make kafka-schemas-key",
        "update data-plane",
        "update data-plane-key-secret",
        "update kafka-environment",
    ]
    with changed(live, schemaRegistry=True):
        made = live.up()
        assert made.code == 0, made.text
        (secret,) = (t for t in things(live, "kubernetes:core/v1:Secret") if "kafka-api" in t.id)
        given = secret.inputs["stringData"]
        shown = live.pulumi("stack", "output", "--json", "--show-secrets", "--stack", "dev")
        registry = json.loads(shown.output)["kafka"]["schemaRegistry"]
        assert registry == {
            "url": given["SCHEMA_REGISTRY_URL"],
            "key": given["SCHEMA_REGISTRY_KEY"],
            "secret": given["SCHEMA_REGISTRY_SECRET"],
        }
        assert registry["key"] != given["KAFKA_API_KEY"]
    assert live.up().code == 0


def test_tags_that_the_program_sets_are_not_taken_from_the_user(live: StubSession) -> None:
    said = refused(live, tags={"stack": "mine", "Name": "mine"})
    assert "tags.stack: set by the program" in said
    assert "tags.Name: set by the program" in said
    with changed(live, tags={"team": "edge"}):
        assert live.up().code == 0
        (vpc,) = things(live, "aws:ec2/vpc:Vpc")
        assert vpc.inputs["tags"]["team"] == "edge"
    assert live.up().code == 0
