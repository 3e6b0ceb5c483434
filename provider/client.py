# SPDX-License-Identifier: Apache-2.0
"""The resources as the Pulumi program uses them.

Arguments and outputs are those of the declarations in ``provider.resource_types``, which document
them; the work is done by the plugin, in ``provider.resources``.
"""

from __future__ import annotations

from typing import Any

import pulumi

from provider import resource_types as types
from provider.declaration import ResourceType, property_name


class _Client(ResourceType, pulumi.CustomResource):
    """Registers the resource with the inputs that are given and the names of all its properties."""

    def __init__(
        self, pulumi_name: str, *, opts: pulumi.ResourceOptions | None = None, **arguments: Any
    ) -> None:
        inputs = {
            property_name(name): value for name, value in arguments.items() if value is not None
        }
        secret = [path[0] for path in self.secrets if path[0] in self.outputs]
        own = pulumi.ResourceOptions(additional_secret_outputs=secret)
        pulumi.CustomResource.__init__(
            self,
            self.token,
            pulumi_name,
            {**dict.fromkeys((*self.inputs, *self.outputs)), **inputs},
            pulumi.ResourceOptions.merge(opts, own),
        )


class Configuration(types.ConfigurationType, _Client):
    """All entities of one owner on a control plane."""


class PublishedRelease(types.PublishedReleaseType, _Client):
    """A release of a control plane: a hold's, or the newest one."""


class Credential(types.CredentialType, _Client):
    """A random key and secret."""


class ClusterCertificate(types.ClusterCertificateType, _Client):
    """A key and its certificate."""


class KafkaTopic(types.KafkaTopicType, _Client):
    """A topic on any Kafka."""


class KafkaAcl(types.KafkaAclType, _Client):
    """One access rule on any Kafka."""


class Process(types.ProcessType, _Client):
    """A detached, health-checked process on this machine."""


class PrivateFiles(types.PrivateFilesType, _Client):
    """Private files of this machine."""


class KonnectControlPlane(types.KonnectControlPlaneType, _Client):
    """A control plane of Konnect."""


class KonnectDataPlaneCertificate(types.KonnectDataPlaneCertificateType, _Client):
    """A certificate that data planes may present to Konnect."""
