# SPDX-License-Identifier: Apache-2.0
"""Which resource types there are, and where each is: its file is imported when it is first used."""

from __future__ import annotations

import importlib
from functools import cache

from gateway.errors import ResourceError
from provider.resource import Resource

TYPES = {
    "gateway:index:Configuration": "provider.resources.configuration:Configuration",
    "gateway:index:Credential": "provider.resources.credential:Credential",
    "gateway:index:ClusterCertificate": "provider.resources.certificate:ClusterCertificate",
    "gateway:kafka:Topic": "provider.resources.kafka_topic:KafkaTopic",
    "gateway:kafka:Acl": "provider.resources.kafka_acl:KafkaAcl",
    "gateway:konnect:ControlPlane": "provider.resources.konnect_control_plane:ControlPlane",
    "gateway:konnect:DataPlaneCertificate": (
        "provider.resources.konnect_certificate:DataPlaneCertificate"
    ),
    "gateway:local:Process": "provider.resources.process:Process",
}


@cache
def resource_type(token: str) -> Resource:
    """Return the implementation of ``token``; ResourceError names the known ones otherwise."""
    try:
        module, _, name = TYPES[token].partition(":")
    except KeyError:
        known = ", ".join(sorted(TYPES))
        raise ResourceError(f"there is no resource type {token}; there are: {known}") from None
    made: Resource = getattr(importlib.import_module(module), name)()
    return made
