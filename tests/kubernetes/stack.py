# SPDX-License-Identifier: Apache-2.0
"""The program on a cluster and a Kafka that are there: the real engine, what it applies is real."""

from __future__ import annotations

import copy
import os
import shlex
import sys
from pathlib import Path

import yaml

from tests.kubernetes.cluster import Cluster
from tests.support.broker import Broker
from tools.stubs.install import ROOT, sdk_version
from tools.stubs.session import PulumiOutcome, StubSession

STACK = "dev"
"""The committed stack whose values are used but for what is brought along."""
TOPIC = "topictest"
BUFFERED, WRITTEN = "/httpbin", "/written"
"""Paths of the routes to that topic."""


class ExistingStack(StubSession):
    """The stack `dev` with ``cluster: existing``, ``kafka: existing`` and our control plane."""

    def __init__(self, folder: Path, cluster: Cluster, kafka: Broker) -> None:
        self._cluster = cluster
        super().__init__(folder, STACK)
        self.seconds_to_first_record: float | None = None
        """From the beginning of `up` on an empty cluster, once there was one."""
        self.uses_the_real_plugin = install(folder / "home")
        self.set_secret("kubeconfig", cluster.lab.kubeconfig)
        self.set_secret("kafkaApiSecret", kafka.writer[1])
        self.write_settings(
            kafka="existing",
            kafkaBootstrapServers=kafka.bootstrap,
            kafkaApiKey=kafka.writer[0],
            kafkaCaPem=kafka.authority.certificate,
            cluster="existing",
            clusterIdentifier="lab",
            imageRepository=cluster.image.name.rpartition(":")[0],
            imageDigest=cluster.image.digest,
            # Room for more pods than the processors of one machine would have.
            resources={"cpu": "100m"},
            controlPlaneResources={"cpu": "100m"},
        )

    def environment(self) -> dict[str, str]:
        """Return the session's environment with the lab's kubectl and helm first."""
        made = super().environment()
        return {
            **made,
            "PATH": os.pathsep.join(
                [
                    made["PATH"].partition(os.pathsep)[0],
                    self._cluster.environment()["PATH"],
                    made["PATH"],
                ]
            ),
        }

    def must(self, *arguments: str, timeout: float = 600) -> PulumiOutcome:
        """Run a command of the CLI that has to succeed."""
        done = self.pulumi(*arguments, timeout=timeout)
        assert done.code == 0, done.text
        return done

    def set_secret(self, key: str, value: str) -> None:
        """Set a key of the configuration whose value is encrypted in its file."""
        words = ("config", "set", "--secret", "--stack", STACK, f"kafka-gateway:{key}", value)
        self.must(*words)
        self.settings = yaml.safe_load(self.settings_file.read_text())["config"]

    def change(self, verb: str, *more: str) -> PulumiOutcome:
        """Run ``up`` or ``destroy`` without asking; it has to succeed."""
        skipped = ("--skip-preview",) if verb == "up" else ()
        words = (verb, "--yes", *skipped, "--stack", STACK, "--non-interactive", "--color", "never")
        return self.must(*words, *more)

    def serve_written(self) -> None:
        """Have the next ``up`` publish one more route at WRITTEN, which responds when a record is
        written: the stack's own does when it is buffered, as Kong's default is.
        """
        routes = yaml.safe_load((ROOT / "stacks" / "gateway" / f"{STACK}.yaml").read_text())
        (service,) = routes["services"]
        (route,) = copy.deepcopy(service["routes"])
        route |= {"name": "written", "paths": [WRITTEN]}
        route["plugins"][0]["config"]["producer_async"] = False
        service["routes"].append(route)
        file = self.folder / "routes.yaml"
        file.write_text(yaml.safe_dump(routes))
        self.write_settings(routes=str(file))

    def output(self, name: str) -> str:
        """Return an output of the stack."""
        return self.must("stack", "output", name, "--stack", STACK, "--show-secrets").output.strip()


def install(home: Path) -> bool:
    """Have the engine find the Kubernetes plugin: the real one, if it is installed, else ours.

    Returns whether it is the real one.
    """
    version = sdk_version("kubernetes")
    name = f"resource-kubernetes-v{version}"
    folder = home / "plugins" / name
    file = folder / "pulumi-resource-kubernetes"
    real = Path(os.environ.get("HOME", "/")) / ".pulumi" / "plugins" / name / file.name
    file.unlink(missing_ok=True)
    if real.exists():
        file.symlink_to(real)
        return True
    command = [sys.executable, "-m", "tests.kubernetes.provider", version]
    file.write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join(command)}\n")
    file.chmod(0o755)
    return False
