# SPDX-License-Identifier: Apache-2.0
"""The control plane of a cloud stack: ours, one of Konnect's, or one that is there already."""

from __future__ import annotations

from dataclasses import dataclass

from components.config.pem import IdentityConfig, read_authority, read_identity
from components.config.pods import PodConfig, read_control_plane_pods
from components.config.reader import ConfigReader
from components.config.secret import Secret
from gateway.names.addresses import server_problem

BROUGHT = ("clusterCaPem", "clusterCertificatePem", "clusterPrivateKeyPem")
"""What only a control plane that is there already may have."""
KONNECT_REGIONS = ("us", "eu", "au", "me", "in", "sg")


@dataclass(frozen=True)
class KonnectConfig:
    """A Konnect control plane to make."""

    token: Secret
    region: str
    name: str
    address: str
    """Where Konnect's API answers instead of the region's address."""


@dataclass(frozen=True)
class ExistingControlPlaneConfig:
    """A control plane that is there already: ours by its Admin API.

    ``ca_pem`` is what data planes verify it with. ``identity`` is what they present to it; None for
    a certificate of the stack's own authority.
    """

    admin_url: str
    admin_token: Secret
    cluster: str
    server_name: str
    ca_pem: str
    identity: IdentityConfig | None


@dataclass(frozen=True)
class OwnControlPlaneConfig:
    """Our control plane as a Helm release; without ``admin_url`` a port-forward reaches it.

    ``keyring_generation`` is the number of keys that its database was encrypted with so far.
    """

    admin_url: str
    keyring_generation: int
    pods: PodConfig


def read_control_plane(
    reader: ConfigReader,
) -> KonnectConfig | ExistingControlPlaneConfig | OwnControlPlaneConfig:
    """Take the control plane's values; problems are the reader's to raise."""
    kind = reader.choice("controlPlane", ("own", "konnect", "existing"))
    cluster, server_name = reader.text("clusterControlPlane"), reader.text("clusterServerName")
    if server_name and not cluster:
        reader.problem(
            "clusterServerName",
            f"{server_name!r} without clusterControlPlane; set both, with controlPlane existing",
        )
    if kind != "own" and reader.structure("controlPlaneResources"):
        reader.problem("controlPlaneResources", "only used with controlPlane own")
    for key in ("clusterControlPlane", *BROUGHT):
        if kind != "existing" and reader.has(key):
            reader.problem(key, "only used with controlPlane existing", harmless=True)
    if kind == "konnect":
        return KonnectConfig(
            token=reader.token("konnectToken", "Konnect is called with it"),
            region=reader.choice("konnectRegion", KONNECT_REGIONS),
            name=reader.text("konnectName") or f"kafka-gateway-{reader.stack}",
            address=reader.url("konnectAddress", reader.text("konnectAddress")),
        )
    if kind == "existing":
        return _existing(reader, cluster, server_name)
    return OwnControlPlaneConfig(
        admin_url=reader.url("adminUrl", reader.text("adminUrl")),
        keyring_generation=reader.integer("keyringGeneration", 1, 1000),
        pods=read_control_plane_pods(reader),
    )


def _existing(reader: ConfigReader, cluster: str, server_name: str) -> ExistingControlPlaneConfig:
    why = "an existing control plane is reached with it"
    if cluster and (problem := server_problem(cluster)):
        reader.problem("clusterControlPlane", problem)
    authority, *pair = BROUGHT
    reader.needed(authority, "data planes verify the control plane with it")
    return ExistingControlPlaneConfig(
        admin_url=reader.url("adminUrl", reader.needed("adminUrl", why)),
        admin_token=reader.token("adminToken", why),
        cluster=reader.needed("clusterControlPlane", why),
        server_name=server_name or cluster.partition(":")[0],
        ca_pem=read_authority(reader, authority),
        identity=read_identity(reader, *pair),
    )
