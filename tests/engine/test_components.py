# SPDX-License-Identifier: Apache-2.0
"""The components as a package for other programs: schema, SDK, and a program on stubs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from components.config.local import port_key
from tests.support.checkout import Checkout
from tests.support.cli_environment import cli_environment
from tests.support.processes import running_in
from tools.stubs.install import install, script
from tools.stubs.world import World

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.engine
NAMES = {
    "ClusterCertificates",
    "ConfluentKafka",
    "ControlPlaneRelease",
    "DataPlaneRelease",
    "EksCluster",
    "GatewayRoutes",
    "LocalCertificates",
    "LocalControlPlane",
    "LocalDataPlane",
    "LocalKafka",
}
DIGEST = f"sha256:{'5b' * 32}"
ROUTES = """
_format_version: "3.0"
services:
  - name: orders
    host: orders.invalid
    routes:
      - name: orders
        paths: [/orders]
        plugins:
          - name: kafka-upstream
            config:
              topic: ${kafka.topics.orders}
              bootstrap_servers: ${kafka.bootstrap_servers}"""
WITH_KEY = """
              security: {ssl: true}
              authentication:
                strategy: sasl
                mechanism: PLAIN
                user: "{vault://env/KAFKA_API_KEY}"
                password: "{vault://env/KAFKA_API_SECRET}"
"""
PROGRAM = f"""
import pulumi
import pulumi_kafka_gateway as kg

kafka = kg.ConfluentKafka(
    "kafka", region="us-east-2", topics=[kg.TopicArgs(name="orders", partitions=3)]
)
cluster = kg.EksCluster("cluster", region="us-west-1", tags={{"team": "records"}})
certificates = kg.ClusterCertificates(
    "certificates",
    kubeconfig=cluster.kubeconfig,
    cluster_identifier=cluster.identifier,
    namespace="gateway",
    own_control_plane=True,
)
shared = dict(
    kubeconfig=cluster.kubeconfig,
    cluster_identifier=cluster.identifier,
    namespace="gateway",
    certificates=certificates.certificates,
    image_digest="{DIGEST}",
)
control_plane = kg.ControlPlaneRelease("control-plane", **shared)
routes = kg.GatewayRoutes(
    "routes",
    routes="routes.yaml",
    topics=["orders"],
    kafka=kafka.access,
    kubeconfig=cluster.kubeconfig,
    control_plane=control_plane.control_plane,
)
data_plane = kg.DataPlaneRelease(
    "data-plane",
    kafka=kafka.access,
    control_plane=control_plane.control_plane,
    release=routes.release,
    replicas=2,
    **shared,
)
pulumi.export("proxyUrl", data_plane.proxy_url)
pulumi.export("servers", kafka.bootstrap_servers)
pulumi.export("secret", kafka.access.api_secret)
"""


LOCAL = """
import json
from pathlib import Path

import pulumi
import pulumi_kafka_gateway as kg

ports = json.loads(Path("ports.json").read_text())
certificates = kg.LocalCertificates("certificates")
kafka = kg.LocalKafka(
    "kafka",
    identity=certificates.broker_identity,
    topics=[kg.TopicArgs(name="orders", partitions=3)],
    kafka_port=ports["kafkaPort"],
    kafka_controller_port=ports["kafkaControllerPort"],
)
control_plane = kg.LocalControlPlane(
    "control-plane",
    identity=certificates.control_plane_identity,
    admin_port=ports["adminPort"],
    cluster_port=ports["clusterPort"],
    control_plane_status_port=ports["controlPlaneStatusPort"],
)
routes = kg.GatewayRoutes(
    "routes",
    routes="routes.yaml",
    topics=["orders"],
    kafka=kafka.access,
    control_plane=control_plane.access,
)
data_plane = kg.LocalDataPlane(
    "data-plane",
    identity=certificates.data_plane_identity,
    kafka=kafka.access,
    control_plane=control_plane.access,
    release=routes.release,
    workers=1,
    proxy_port=ports["proxyPort"],
    proxy_tls_port=ports["proxyTlsPort"],
    status_port=ports["statusPort"],
)
pulumi.export("proxyUrl", data_plane.proxy_url)
"""
TYPESCRIPT = """
import * as pulumi from "@pulumi/pulumi";
import * as components from "@pulumi/kafka-gateway";

const topics = [{ name: "orders", partitions: 3 }];
const kafka = new components.ConfluentKafka("kafka", { region: "us-east-2", topics });
export const servers: pulumi.Output<string> = kafka.bootstrapServers;
export const secret = kafka.access.apiSecret;
"""


class Program:
    """A project of somebody else: on stubs, or with all of a ``checkout`` as it is."""

    def __init__(self, folder: Path, runtime: dict[str, Any], checkout: Path | None = None) -> None:
        self.folder = folder
        tools = [f"{ROOT}/.tools/sdk", f"{ROOT}/.tools/pulumi", f"{ROOT}/.venv/bin"]
        self._environment = cli_environment(
            folder,
            PATH=":".join([*tools, os.environ["PATH"]]),
            PYTHONPATH=str(folder / "sdk" / "python"),
            STUB_WORLD=str(folder / "world"),
        )
        (folder / "world").mkdir()
        install(folder / "home")
        script(folder / "stubs", "gateway", "0.1.0")
        providers = [
            {"name": "gateway", "path": str(checkout / "provider") if checkout else "stubs"},
            {"name": "kafka-gateway", "path": str((checkout or ROOT) / "components")},
        ]
        project = {"name": "other", "runtime": runtime, "plugins": {"providers": providers}}
        (folder / "Pulumi.yaml").write_text(json.dumps(project))
        self.must("stack", "init", "test", "--non-interactive")

    def run(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def must(self, *arguments: str) -> str:
        code, text = self.run(*arguments)
        assert code == 0, text
        return text


def python_program(folder: Path, program: str, checkout: Path | None = None) -> Program:
    """Return a program in Python with the SDK of the components beside it."""
    options = {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")}
    made = Program(folder, {"name": "python", "options": options}, checkout)
    (folder / "routes.yaml").write_text(ROUTES)
    (folder / "__main__.py").write_text(program)
    made.must("package", "gen-sdk", str(ROOT / "components"), "--language", "python",
              "--out", "sdk")  # fmt: skip
    # As an installation leaves it.
    metadata = folder / "sdk" / "python" / "pulumi_kafka_gateway-0.1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: pulumi_kafka_gateway\nVersion: 0.1.0\n")
    return made


@pytest.fixture(scope="module", autouse=True)
def generator() -> None:
    """What writes SDKs."""
    done = subprocess.run(
        [sys.executable, "tools/bootstrap.py", "sdk"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_schema_has_the_components_with_what_they_take_and_give(tmp_path: Path) -> None:
    install(tmp_path)  # else the real providers are fetched
    done = subprocess.run(
        ["pulumi", "package", "get-schema", "./components"],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{ROOT}/.tools/pulumi:{os.environ['PATH']}",
            "PULUMI_HOME": str(tmp_path),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    resources = json.loads(done.stdout)["resources"]
    assert {token.rpartition(":")[2] for token in resources} == NAMES
    for token, kind in resources.items():
        assert kind["isComponent"], token
        for name, found in {**kind.get("inputProperties", {}), **kind["properties"]}.items():
            assert found.get("description"), f"{token}.{name}"


def test_a_program_with_the_sdk_stands_up_a_whole_gateway(tmp_path: Path) -> None:
    program = python_program(tmp_path, PROGRAM)
    shown = program.must("up", "--yes", "--non-interactive", "--color", "never")
    assert "errored" not in shown
    outputs = json.loads(program.must("stack", "output", "--json"))
    assert outputs["proxyUrl"].startswith("http://")
    assert outputs["servers"].endswith(":9092")
    assert outputs["secret"] == "[secret]"
    world = World(tmp_path / "world")
    paid = {
        "confluentcloud:index/kafkaCluster:KafkaCluster",
        "aws:eks/cluster:Cluster",
        "aws:ec2/vpc:Vpc",
        "aws:eks/nodeGroup:NodeGroup",
    }
    assert paid <= {thing.type for thing in world.things()}
    program.must("preview", "--expect-no-changes", "--non-interactive")
    program.must("destroy", "--yes", "--non-interactive")
    assert json.loads(program.must("stack", "export"))["deployment"].get("resources", []) == []
    # Keys and rules of the Kafka cluster, and what lies in the other one, went with them.
    assert not paid & {thing.type for thing in world.things()}


def test_wrong_arguments_are_refused_at_preview_by_their_names(tmp_path: Path) -> None:
    program = python_program(
        tmp_path,
        """
import pulumi_kafka_gateway as kg

kg.ConfluentKafka("kafka", cluster_type="huge", region="us-west-1",
                  topics=[kg.TopicArgs(name="a b")])
""",
    )
    code, shown = program.run("preview", "--non-interactive", "--color", "never")
    assert code != 0
    assert "ConfluentKafka kafka cannot be made" in shown
    assert "clusterType: 'huge' is not one of basic, standard, dedicated" in shown
    assert "region: 'us-west-1' has no Confluent clusters" in shown
    assert "topics[0].name" in shown
    # Pulumi's own Python shows one, where the engine's monitor is gone before its call is over.
    assert f'File "{ROOT}/components' not in shown, shown


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on PATH")
def test_a_program_in_typescript_uses_a_component(tmp_path: Path) -> None:
    program = Program(tmp_path, {"name": "nodejs"})
    for file in ("package.json", "tsconfig.json"):
        shutil.copy(ROOT / "examples" / "typescript" / file, tmp_path)
    (tmp_path / "index.ts").write_text(TYPESCRIPT)
    program.must("package", "add", str(ROOT / "components"), "--non-interactive")
    program.must("up", "--yes", "--skip-preview", "--non-interactive")
    outputs = json.loads(program.must("stack", "output", "--json"))
    assert outputs["servers"].endswith(":9092")
    assert outputs["secret"] == "[secret]"
    program.must("preview", "--expect-no-changes", "--non-interactive")
    program.must("destroy", "--yes", "--non-interactive")


def test_a_second_update_keeps_what_was_chosen_and_refuses_what_cannot_be(tmp_path: Path) -> None:
    text = """
import pulumi_kafka_gateway as kg

kg.EksCluster("cluster", region="us-west-1", zones=2, kubernetes_version="1.35")
kg.ConfluentKafka("kafka", region="us-east-2", topics=[
    kg.TopicArgs(name="orders", config={"retention.ms": "60000"})])
"""
    program = python_program(tmp_path, text)
    program.must("up", "--yes", "--skip-preview", "--non-interactive")
    again = text.replace("1.35", "1.36").replace(', config={"retention.ms": "60000"}', "")
    (tmp_path / "__main__.py").write_text(again)
    shown = program.must("preview", "--diff", "--non-interactive", "--color", "never")
    # What is taken out of a topic is written as its default: the cloud keeps it otherwise.
    assert '"604800000"' in shown
    assert "replace" not in shown
    program.must("up", "--yes", "--skip-preview", "--non-interactive")
    program.must("preview", "--expect-no-changes", "--non-interactive")
    program.must("destroy", "--yes", "--non-interactive")


@pytest.mark.kafka
def test_the_local_ones_stand_up_a_gateway_on_this_machine(tmp_path: Path) -> None:
    own = Checkout(tmp_path / "own")
    ports = {port_key(name): port for name, port in asdict(own.ports).items()}
    folder = tmp_path / "other"
    folder.mkdir()
    program = python_program(folder, LOCAL, own.folder)
    (folder / "ports.json").write_text(json.dumps(ports))
    (folder / "routes.yaml").write_text(ROUTES + WITH_KEY)
    try:
        program.must("up", "--yes", "--skip-preview", "--non-interactive")
        outputs = json.loads(program.must("stack", "output", "--json"))
        with urllib.request.urlopen(f"{outputs['proxyUrl']}/orders", b"one", timeout=30) as done:
            assert json.load(done)["message"] == "message sent"
        program.must("preview", "--expect-no-changes", "--non-interactive")
    finally:
        program.must("destroy", "--yes", "--non-interactive")
    assert running_in(own.folder) == []
