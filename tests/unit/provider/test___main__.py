# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from gateway import __version__

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "provider" / "pulumi-resource-gateway"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_plugin_serves_and_exits_when_interrupted(
    number: signal.Signals, tmp_path: Path
) -> None:
    # A folder whose names could be mistaken for ours: the plugin runs in the project's directory.
    (tmp_path / "provider.py").write_text("raise SystemExit('not ours')")
    child = subprocess.Popen(
        [str(PLUGIN), "127.0.0.1:1"], cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    try:
        port = int(child.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            assert stub.GetPluginInfo(empty_pb2.Empty()).version == __version__
            stub.Cancel(empty_pb2.Empty())
        child.send_signal(number)
        assert child.wait(timeout=60) == 0
    finally:
        child.kill()
        child.communicate()
