# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import EndpointUnreachable
from provider.publishing.port_forward import forwarded
from provider.values import Properties
from tests.support.fake_control_plane import FakeControlPlane
from tests.support.provider import Harness

FORWARD: Properties = {"kubeconfig": "planted", "namespace": "kong", "pod": "cp-0", "port": "8001"}


def kubectl(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a kubectl on PATH that does what ``script`` says."""
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_pod_is_reached_through_a_port_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeControlPlane().running() as plane:
        port = plane.url.rpartition(":")[2]
        line = f"Forwarding from 127.0.0.1:{port} -> 8001"
        script = f'echo "$@" >{tmp_path}/args; cat "$2" >{tmp_path}/config; echo "{line}"; read x'
        kubectl(tmp_path, script, monkeypatch)
        harness = Harness("gateway:index:Configuration")
        admin = {"token": plane.token, "forward": FORWARD}
        harness.create({"admin": admin, "owner": "ours", "document": {}})
        assert plane.published == 1
        assert ("admin", "forward", "kubeconfig") in harness.secrets
    arguments = (tmp_path / "args").read_text()
    assert "port-forward --address 127.0.0.1 pod/cp-0 :8001" in arguments
    assert (tmp_path / "config").read_text() == "planted"
    assert not Path(arguments.split()[1]).exists()


def test_the_reason_why_a_pod_cannot_be_reached_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl(tmp_path, "echo 'pods cp-0 not found' >&2; exit 1", monkeypatch)
    reason = "kong/cp-0 cannot be reached: pods cp-0 not found"
    with pytest.raises(EndpointUnreachable, match=reason), forwarded(FORWARD):
        pass


def test_a_missing_kubectl_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EndpointUnreachable, match="kubectl is not on PATH"), forwarded(FORWARD):
        pass
