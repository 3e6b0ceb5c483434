# SPDX-License-Identifier: Apache-2.0
"""A port of a pod, brought to loopback by ``kubectl port-forward`` for as long as it is used.

``kubectl`` rather than a client library: it understands every kind of credential that a
kubeconfig may name, and administrators of clusters have it.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import EndpointUnreachable
from provider.values import Properties

_START_SECONDS = 15.0
_FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(forward: Properties) -> Iterator[int]:
    """Yield the loopback port that leads to the pod; EndpointUnreachable says why there is none."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise EndpointUnreachable("the Admin API is inside a cluster and kubectl is not on PATH")
    with tempfile.TemporaryDirectory(prefix="kafka-gateway-") as folder:
        config = os.path.join(folder, "kubeconfig")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(forward["kubeconfig"])
        command = [
            *(kubectl, "--kubeconfig", config, "--namespace", forward["namespace"]),
            *("port-forward", "--address", "127.0.0.1"),
            *(f"pod/{forward['pod']}", f":{forward['port']}"),
        ]
        child = subprocess.Popen(  # noqa: S603 - kubectl from PATH, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            yield _port(child, forward)
        finally:
            child.kill()
            child.communicate()


def _port(child: subprocess.Popen[bytes], forward: Properties) -> int:
    assert child.stdout is not None
    output = b""
    deadline = time.monotonic() + _START_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([child.stdout], [], [], left)[0]:
            break
        chunk = os.read(child.stdout.fileno(), 4096)
        output += chunk
        match = _FORWARDING.search(output)
        if match:
            return int(match.group(1))
        if not chunk:
            break
    reason = output.decode(errors="replace").strip() or "no answer from the cluster"
    where = f"{forward['namespace']}/{forward['pod']}"
    raise EndpointUnreachable(f"pod {where} cannot be reached: {reason}")
