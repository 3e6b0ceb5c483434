# SPDX-License-Identifier: Apache-2.0
"""The resources as a Pulumi program sees them; the work is done in ``provider/resources/``.

Arguments are in snake case and go out in camel case, objects inside them as they are written.
Outputs are read from the attributes of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Properties = Mapping[str, pulumi.Input[Any]]


class _Resource(pulumi.CustomResource):
    """One of ours: the given inputs, and the names of the outputs that are no inputs."""

    def __init__(
        self,
        token: str,
        resource_name: str,
        inputs: Mapping[str, Any],
        outputs: Sequence[str],
        opts: pulumi.ResourceOptions | None,
        secret_outputs: Sequence[str] = (),
    ) -> None:
        given = {name: value for name, value in inputs.items() if value is not None}
        own = pulumi.ResourceOptions(additional_secret_outputs=list(secret_outputs))
        super().__init__(
            token,
            resource_name,
            {**dict.fromkeys(outputs), **given},
            pulumi.ResourceOptions.merge(opts, own),
        )

    def _output(self, name: str) -> pulumi.Output[Any]:
        found: pulumi.Output[Any] = self.__dict__[name]
        return found


class Configuration(_Resource):
    """All entities of one owner, published as one release; the document is keyed by names.

    ``admin`` is {url, token, ca?}. A plain value that is the default is the same as none.
    """

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        admin: pulumi.Input[Properties],
        owner: pulumi.Input[str],
        document: pulumi.Input[Mapping[str, Any]],
        message: pulumi.Input[str] | None = None,
        wait_seconds: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Publish ``document``; wait ``wait_seconds`` (30) for the connected data planes."""
        inputs = {
            "admin": admin,
            "owner": owner,
            "document": document,
            "message": message,
            "waitSeconds": wait_seconds,
        }
        super().__init__(
            "gateway:index:Configuration", resource_name, inputs, ("release", "hash"), opts
        )

    @property
    def release(self) -> pulumi.Output[int]:
        """The number of the release that holds it."""
        return self._output("release")

    @property
    def hash(self) -> pulumi.Output[str]:
        """The hash that data planes confirm."""
        return self._output("hash")


class Credential(_Resource):
    """A random key and secret, kept until ``keepers`` change."""

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        prefix: pulumi.Input[str] | None = None,
        length: pulumi.Input[int] | None = None,
        keepers: pulumi.Input[Properties] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make a key that begins with ``prefix``, and a secret of ``length`` (32) characters."""
        inputs = {"prefix": prefix, "length": length, "keepers": keepers}
        super().__init__(
            "gateway:index:Credential", resource_name, inputs, ("key", "secret"), opts, ("secret",)
        )

    @property
    def key(self) -> pulumi.Output[str]:
        """The public part."""
        return self._output("key")

    @property
    def secret(self) -> pulumi.Output[str]:
        """The secret part; an Output secret."""
        return self._output("secret")


class ClusterCertificate(_Resource):
    """A key and its certificate, made anew within ``early_renewal_hours`` of its end."""

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        kind: pulumi.Input[str],
        common_name: pulumi.Input[str],
        dns_names: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        ip_addresses: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        validity_hours: pulumi.Input[int] | None = None,
        early_renewal_hours: pulumi.Input[int] | None = None,
        ca: pulumi.Input[Properties] | None = None,
        algorithm: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make a certificate of ``kind`` ca, server or client.

        ``ca`` is the signer, {certificatePem, privateKeyPem}; an authority signs itself.
        """
        inputs = {
            "kind": kind,
            "commonName": common_name,
            "dnsNames": dns_names,
            "ipAddresses": ip_addresses,
            "validityHours": validity_hours,
            "earlyRenewalHours": early_renewal_hours,
            "ca": ca,
            "algorithm": algorithm,
        }
        super().__init__(
            "gateway:index:ClusterCertificate",
            resource_name,
            inputs,
            ("certificatePem", "privateKeyPem", "notAfter", "fingerprint"),
            opts,
            ("privateKeyPem",),
        )

    @property
    def certificate_pem(self) -> pulumi.Output[str]:
        """The certificate."""
        return self._output("certificatePem")

    @property
    def private_key_pem(self) -> pulumi.Output[str]:
        """Its key, PKCS #8; an Output secret."""
        return self._output("privateKeyPem")

    @property
    def not_after(self) -> pulumi.Output[str]:
        """When it ends, in ISO 8601."""
        return self._output("notAfter")

    @property
    def fingerprint(self) -> pulumi.Output[str]:
        """SHA-256 of the certificate in hexadecimal."""
        return self._output("fingerprint")


class KafkaTopic(_Resource):
    """A topic on any Kafka, through its admin protocol."""

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        endpoint: pulumi.Input[Properties],
        name: pulumi.Input[str],
        partitions: pulumi.Input[int] | None = None,
        replication_factor: pulumi.Input[int] | None = None,
        config: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the topic at ``endpoint``.

        That is {bootstrapServers, caPem?, user, password, mechanism?}.
        """
        inputs = {
            "endpoint": endpoint,
            "name": name,
            "partitions": partitions,
            "replicationFactor": replication_factor,
            "config": config,
        }
        super().__init__("gateway:kafka:Topic", resource_name, inputs, (), opts)

    @property
    def topic_name(self) -> pulumi.Output[str]:
        """The name on the cluster, once the topic is there."""
        return self._output("name")


class KafkaAcl(_Resource):
    """One access rule on any Kafka, through its admin protocol."""

    def __init__(
        self,
        name: str,
        /,
        *,
        endpoint: pulumi.Input[Properties],
        principal: pulumi.Input[str],
        resource_type: pulumi.Input[str],
        resource_name: pulumi.Input[str],
        operation: pulumi.Input[str],
        pattern_type: pulumi.Input[str] | None = None,
        permission: pulumi.Input[str] | None = None,
        host: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Allow or deny ``principal`` an ``operation`` on ``resource_type`` ``resource_name``."""
        inputs = {
            "endpoint": endpoint,
            "principal": principal,
            "resourceType": resource_type,
            "resourceName": resource_name,
            "patternType": pattern_type,
            "operation": operation,
            "permission": permission,
            "host": host,
        }
        super().__init__("gateway:kafka:Acl", name, inputs, (), opts)


class Process(_Resource):
    """A detached, health-checked process on this machine; drained and restarted by edits."""

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        name: pulumi.Input[str],
        directory: pulumi.Input[str],
        command: pulumi.Input[Sequence[pulumi.Input[str]]],
        environment: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        files: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        ports: pulumi.Input[Mapping[str, pulumi.Input[int]]] | None = None,
        port_keys: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        ready: pulumi.Input[Properties] | None = None,
        stop_timeout_seconds: pulumi.Input[int] | None = None,
        reload_on: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        digest: pulumi.Input[str] | None = None,
        generation: pulumi.Input[Any] | None = None,
        remove_directory: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Run ``command`` in ``directory`` with private ``files``.

        ``ports`` and ``port_keys`` go by the same labels: the number, and the config key that
        changes it. ``ready`` is {kind: http, url} or {kind: tcp, port}, and timeoutSeconds.
        Files in ``reload_on`` are re-read on SIGHUP; an edit of anything else that the process
        sees (``digest`` and ``generation`` included) restarts it.
        """
        inputs = {
            "name": name,
            "directory": directory,
            "command": command,
            "environment": environment,
            "files": files,
            "ports": ports,
            "portKeys": port_keys,
            "ready": ready,
            "stopTimeoutSeconds": stop_timeout_seconds,
            "reloadOn": reload_on,
            "digest": digest,
            "generation": generation,
            "removeDirectory": remove_directory,
        }
        outputs = ("pid", "logFile", "running")
        super().__init__("gateway:local:Process", resource_name, inputs, outputs, opts)

    @property
    def pid(self) -> pulumi.Output[int]:
        """Its process id, a new one after each restart."""
        return self._output("pid")

    @property
    def running(self) -> pulumi.Output[bool]:
        """True once it is ready; known at preview, so use this to wait for it."""
        return self._output("running")

    @property
    def log_file(self) -> pulumi.Output[str]:
        """Where its output goes."""
        return self._output("logFile")


class KonnectControlPlane(_Resource):
    """A control plane of Konnect and its endpoints."""

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        api: pulumi.Input[Properties],
        name: pulumi.Input[str],
        description: pulumi.Input[str] | None = None,
        auth_type: pulumi.Input[str] | None = None,
        labels: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make it through ``api``, {url, token}; ``auth_type`` is pinned_client_certs."""
        inputs = {
            "api": api,
            "name": name,
            "description": description,
            "authType": auth_type,
            "labels": labels,
        }
        outputs = ("controlPlaneId", "controlPlaneEndpoint", "telemetryEndpoint")
        super().__init__("gateway:konnect:ControlPlane", resource_name, inputs, outputs, opts)

    @property
    def control_plane_id(self) -> pulumi.Output[str]:
        """Konnect's id of it."""
        return self._output("controlPlaneId")

    @property
    def control_plane_endpoint(self) -> pulumi.Output[str]:
        """Where data planes get their configuration, a URL."""
        return self._output("controlPlaneEndpoint")

    @property
    def telemetry_endpoint(self) -> pulumi.Output[str]:
        """Where data planes send telemetry, a URL."""
        return self._output("telemetryEndpoint")


class KonnectDataPlaneCertificate(_Resource):
    """A certificate that data planes may present to a control plane of Konnect."""

    def __init__(
        self,
        resource_name: str,
        /,
        *,
        api: pulumi.Input[Properties],
        control_plane_id: pulumi.Input[str],
        certificate_pem: pulumi.Input[str],
        title: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register ``certificate_pem`` through ``api``, {url, token}."""
        inputs = {
            "api": api,
            "controlPlaneId": control_plane_id,
            "certificatePem": certificate_pem,
            "title": title,
        }
        outputs = ("certificateId",)
        super().__init__(
            "gateway:konnect:DataPlaneCertificate", resource_name, inputs, outputs, opts
        )

    @property
    def certificate_id(self) -> pulumi.Output[str]:
        """Konnect's id of it."""
        return self._output("certificateId")
