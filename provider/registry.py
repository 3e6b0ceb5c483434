# SPDX-License-Identifier: Apache-2.0
"""Which resource types there are, and where each is: its file is imported when it is first used."""

from __future__ import annotations

import importlib
from functools import cache

from gateway.errors import ResourceError
from provider import resource_types as types
from provider.resource import Resource

_RESOURCES = "provider.resources."
TYPES = {
    types.ConfigurationType.token: "configuration:Configuration",
    types.PublishedReleaseType.token: "published_release:PublishedRelease",
    types.CredentialType.token: "credential:Credential",
    types.ClusterCertificateType.token: "certificate:ClusterCertificate",
    types.KafkaTopicType.token: "kafka_topic:KafkaTopic",
    types.KafkaAclType.token: "kafka_acl:KafkaAcl",
    types.ProcessType.token: "process:Process",
    types.PrivateFilesType.token: "private_files:PrivateFiles",
    types.KonnectControlPlaneType.token: "konnect_control_plane:KonnectControlPlane",
    types.KonnectDataPlaneCertificateType.token: "konnect_certificate:KonnectDataPlaneCertificate",
}
"""Token to the module and class below ``provider.resources`` that implement it."""


@cache
def implementation(token: str) -> Resource:
    """Return the implementation of ``token``; ResourceError names the known ones otherwise."""
    try:
        module, _, name = TYPES[token].partition(":")
    except KeyError:
        known = ", ".join(sorted(TYPES))
        raise ResourceError(f"there is no resource type {token}; there are: {known}") from None
    made: Resource = getattr(importlib.import_module(_RESOURCES + module), name)()
    return made
