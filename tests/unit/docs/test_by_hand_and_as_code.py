# SPDX-License-Identifier: Apache-2.0
"""The table of what was done by hand, against the snapshot of the stack that does it now."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.support.snapshots import recorded

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "by-hand-and-as-code.md").read_text()
TABLE, DEVIATIONS, _ = PAGE.split("## Where")

BY_HAND: dict[str, object] = {
    "ingressController.enabled": False,
    "image.repository": "kong/kong-gateway",
    "image.tag": "2.7.0.0-alpine",
    "admin.enabled": False,
    "env.role": "data_plane",
    "env.database": "off",
    "env.anonymous_reports": "off",
    "env.vitals_ttl_days": 732,
    "env.cluster_mtls": "pki",
    "env.cluster_control_plane": "kong-cpoutlet-<id>.cp.konnect.konghq.com:443",
    "env.cluster_server_name": "kong-cpoutlet-<id>.cp.konnect.konghq.com",
    "env.cluster_telemetry_endpoint": "kong-telemetry-<id>.tp.konnect.konghq.com:443",
    "env.cluster_telemetry_server_name": "kong-telemetry-<id>.tp.konnect.konghq.com",
    "env.cluster_ca_cert": "/etc/secrets/kong-cluster-ca/ca.crt",
    "env.cluster_cert": "/etc/secrets/kong-cluster-cert/tls.crt",
    "env.cluster_cert_key": "/etc/secrets/kong-cluster-cert/tls.key",
    "env.lua_ssl_trusted_certificate": "/etc/secrets/kong-cluster-cert/tls.crt",
    "env.status_listen": "0.0.0.0:8100",
    "proxy.enabled": True,
    "proxy.type": "LoadBalancer",
    "enterprise.enabled": True,
    "enterprise.portal.enabled": False,
    "enterprise.rbac.enabled": False,
    "enterprise.smtp.enabled": False,
    "manager.enabled": False,
    "portal.enabled": False,
    "portalapi.enabled": False,
    "secretVolumes": ["kong-cluster-cert", "kong-cluster-ca"],
}
"""The values of `helm install kong-dp kong/kong`, as they were typed."""


def resources() -> set[tuple[str, str]]:
    """Return type and name of each resource in the snapshot of the stack ``konnect``."""
    found = set()
    for urn in recorded("konnect"):
        _, _, types, name = urn.split("::")
        found.add((types.split("$")[-1].rpartition(":")[2], name))
    return found


def flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return values by their dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        # An annotation's name has dots of its own.
        if isinstance(value, dict) and value and not key.endswith("nnotations"):
            found |= flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def test_every_value_of_the_release_is_the_hand_made_one_or_in_the_table() -> None:
    snapshot = recorded("konnect")
    (urn,) = [urn for urn in snapshot if urn.endswith(":Release::data-plane")]
    now = flat(snapshot[urn]["inputs"]["values"])
    differing = {name for name in {*now, *BY_HAND} if now.get(name) != BY_HAND.get(name)}
    named = set(re.findall(r"`([a-zA-Z_.]+)`", DEVIATIONS))
    # The table's row speaks of both server names and the telemetry address.
    named |= {name for name in BY_HAND if "server_name" in name or "telemetry" in name}
    missing = {
        name for name in differing if not any(name == n or name.startswith(f"{n}.") for n in named)
    }
    assert not missing


def test_every_resource_that_the_table_names_is_there() -> None:
    named = set(re.findall(r"`([A-Z]\w+)` `([a-z][\w-]+)`", TABLE))
    assert len(named) > 25
    assert named <= resources(), sorted(named - resources())


def test_every_step_is_in_the_table() -> None:
    steps = re.findall(r"^\| (\d+)(?:-(\d+))? ", TABLE, re.MULTILINE)
    covered = {n for first, last in steps for n in range(int(first), int(last or first) + 1)}
    assert covered == set(range(1, 17))
