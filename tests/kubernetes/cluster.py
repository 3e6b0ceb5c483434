# SPDX-License-Identifier: Apache-2.0
"""The lab's cluster as tests use it: kubectl, helm, requests to its addresses."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.kubernetes.image import Image
from tools.kubernetes.lab import Lab
from tools.kubernetes.layout import NODE_ADDRESS

CHART = Path(__file__).resolve().parents[2] / "gateway" / "chart"


class Refused(AssertionError):
    """kubectl or helm has failed; the text is what they said."""


@dataclass(frozen=True)
class Reply:
    """One response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs, and the gateway's image, which its node has."""

    lab: Lab
    image: Image
    next_image: Image
    """Another image of the same gateway, to upgrade to."""

    def kubectl(self, *words: str, given: str = "") -> str:
        """Run kubectl and return what it printed; fail with what it said."""
        return self._run("kubectl", *words, given=given)

    def get(self, *words: str) -> Any:
        """Return an object, or a list of some."""
        return json.loads(self.kubectl("get", *words, "--output", "json"))

    def helm(self, *words: str, values: Mapping[str, Any] | None = None) -> str:
        """Run helm, with ``values`` where ``--values -`` stands."""
        return self._run("helm", *words, given=yaml.safe_dump(dict(values or {})))

    def install(self, release: str, namespace: str, values: Mapping[str, Any]) -> None:
        """Install or upgrade the chart and wait until it is ready."""
        words = ["upgrade", "--install", release, str(CHART), "--namespace", namespace]
        words += ["--values", "-", "--wait", "--timeout", "150s"]
        self.helm(*words, values={"image": self.image_values(), **values})

    def image_values(self) -> dict[str, str]:
        """Return the chart's ``image``, by digest."""
        repository = self.image.name.rpartition(":")[0]
        return {"repository": repository, "digest": self.image.digest}

    def environment(self) -> dict[str, str]:
        """Return the environment for commands that use the cluster."""
        return self.lab.environment()

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """Give a namespace that enforces the restricted standard; remove it afterwards."""
        self.kubectl("create", "namespace", name)
        label = "pod-security.kubernetes.io/enforce=restricted"
        self.kubectl("label", "namespace", name, label)
        try:
            yield name
        finally:
            # Nobody waits for connections to drain here.
            words = ("--all", "--namespace", name, "--grace-period=0", "--force")
            self.kubectl("delete", "statefulset,deployment", "--all", "--namespace", name)
            self.kubectl("delete", "pod", *words)
            self.kubectl("delete", "namespace", name)

    def _run(self, *command: str, given: str) -> str:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(),
        )
        if done.returncode:
            raise Refused(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout


def request(
    port: int,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    address: str = NODE_ADDRESS,
    tls: bool = False,
) -> Reply:
    """Send one GET on a connection of its own; TLS without a look at the certificate."""
    connection: http.client.HTTPConnection
    if tls:
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(address, port, timeout=15, context=unchecked)
    else:
        connection = http.client.HTTPConnection(address, port, timeout=15)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        body = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, body)
    finally:
        connection.close()


def say(text: str) -> None:
    """Tell whoever runs the tests where they are; pytest shows it with `-s` and on failure."""
    sys.stderr.write(f"==> {text}\n")
    sys.stderr.flush()


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Say how long a step took."""
    started = time.monotonic()
    try:
        yield
    finally:
        say(f"{time.monotonic() - started:6.1f} s  {step}")
