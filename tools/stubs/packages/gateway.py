# SPDX-License-Identifier: Apache-2.0
"""Our own resources without a gateway behind them, for tests of the cloud stacks' graph only.

They have tests of their own against real control planes and a fake Konnect; here only that they are
asked in the right order, with the right values, matters. Nothing is checked.
"""

from __future__ import annotations

from tools.stubs.package import Package, Properties, StubType, digits, prefixed


def _certificate(identity: str, inputs: Properties) -> Properties:
    def pem(kind: str) -> str:
        return f"-----BEGIN {kind}-----\n{digits(identity + kind, 64)}\n-----END {kind}-----\n"

    return {
        "certificatePem": pem("CERTIFICATE"),
        "privateKeyPem": pem("PRIVATE KEY"),
        "notAfter": "2027-12-24T00:00:00Z",
        "fingerprint": digits(identity, 64),
    }


def _credential(identity: str, inputs: Properties) -> Properties:
    prefix = inputs.get("prefix") or "key"
    return {"key": f"{prefix}-{digits(identity, 12)}", "secret": digits(identity + "secret", 32)}


def _control_plane(identity: str, inputs: Properties) -> Properties:
    host = f"{digits(identity, 10)}.us"
    return {
        "controlPlaneId": identity,
        "controlPlaneEndpoint": f"https://{host}.cp.konghq.com",
        "telemetryEndpoint": f"https://{host}.tp.konghq.com",
    }


PACKAGE = Package(
    name="gateway",
    types={
        "gateway:index:Configuration": StubType(
            lambda seed, inputs: str(inputs["owner"]),
            lambda identity, inputs: {"release": 1, "hash": digits(identity, 32)},
            replaces=("owner",),
            delete_before_replace=True,
        ),
        "gateway:index:Credential": StubType(
            prefixed("credential", 12),
            _credential,
            replaces=("keepers", "prefix", "length"),
            secrets=("secret",),
        ),
        "gateway:index:ClusterCertificate": StubType(
            prefixed("certificate", 12),
            _certificate,
            replaces=("kind",),
            secrets=("privateKeyPem",),
        ),
        "gateway:konnect:ControlPlane": StubType(prefixed("cp", 12), _control_plane),
        "gateway:konnect:DataPlaneCertificate": StubType(
            prefixed("dp", 12),
            lambda identity, inputs: {"certificateId": identity},
            replaces=("certificatePem", "controlPlaneId"),
        ),
    },
)
