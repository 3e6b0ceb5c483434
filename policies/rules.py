# SPDX-License-Identifier: Apache-2.0
"""The rules of the policy pack, as pure functions over plain dicts.

A rule looks at one resource as the engine is about to register it and yields a sentence for each
thing wrong, naming the property, its value and what is allowed. A value that is not known yet is
one of `UNKNOWNS`; a rule says nothing about it at preview, and sees it at the update.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from components.config.versions import KUBERNETES_VERSIONS

PRODUCTION = frozenset({"prod"})
"""Stacks in which other people's work is at stake."""

# The engine's markers for unknown strings, booleans, numbers, arrays, assets, archives and objects.
UNKNOWNS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)

CLUSTERS = ("eks:index:Cluster", "aws:eks/cluster:Cluster")
RELEASES = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart")
ACLS = ("confluentcloud:index/kafkaAcl:KafkaAcl", "gateway:kafka:Acl")
ROLE_BINDING = "confluentcloud:index/roleBinding:RoleBinding"
CERTIFICATE = "gateway:index:ClusterCertificate"
STATEFUL = (
    "confluentcloud:index/environment:Environment",
    "confluentcloud:index/kafkaCluster:KafkaCluster",
    "confluentcloud:index/kafkaTopic:KafkaTopic",
    "aws:ec2/vpc:Vpc",
    "eks:index:Cluster",
)
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EVERYBODY = ("0.0.0.0/0", "::/0")
TAGGED = (
    INGRESS,
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/eip:Eip",
    "aws:ec2/routeTable:RouteTable",
    "aws:iam/role:Role",
    "aws:eks/cluster:Cluster",
    "eks:index:Cluster",
)
NEEDED_TAGS = ("stack", "project")
BROAD_OPERATIONS = ("ALL", "ANY", "ALTER", "ALTER_CONFIGS", "CLUSTER_ACTION", "DELETE")
BROAD_ROLES = ("OrganizationAdmin", "EnvironmentAdmin", "AccountAdmin")
ADMIN_ROLE = "CloudClusterAdmin"
LEAF_HOURS = 398 * 24
"""CA/Browser Forum's limit since 2020; nothing here needs longer."""
AUTHORITY_HOURS = 10 * 366 * 24
RENEWAL_HOURS = 7 * 24
VERIFICATION = re.compile(r"(?i)^(kong_)?(.*_)?(tls|ssl)_?verify$|^verify_?(tls|ssl)$")
SKIPPING = re.compile(r"(?i)^insecure(SkipTlsVerify|_skip_tls_verify)?$|^skip_?(tls|ssl)_?verify$")
SECRET_NAME = re.compile(r"(?i)(secret|password|passphrase|token|private_?key|keyring)")
OFF = (False, "off", "false", "no", "0", 0)
PINNED_VERSION = re.compile(r"^v?\d+\.\d+\.\d+([-+.].*)?$")
PINNED_TAG = re.compile(r"^v?\d+\.\d+\.\d+")
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


@dataclass(frozen=True)
class PlannedResource:
    """What a rule may know of a resource."""

    type: str
    name: str
    stack: str
    properties: Mapping[str, Any]
    protect: bool = False

    @property
    def production(self) -> bool:
        """Whether its stack is one of `PRODUCTION`."""
        return self.stack in PRODUCTION


@dataclass(frozen=True)
class Rule:
    """One policy: its name, what it is for, and its check; advisory ones only warn."""

    name: str
    description: str
    check: Callable[[PlannedResource, date], Iterator[str]]
    mandatory: bool = True


def stack_of(urn: str) -> str:
    """Return the stack that a URN names; the policy process itself may not know it."""
    return urn.split("::")[0].rpartition(":")[2]


def known(value: Any) -> bool:
    """Tell whether a value is there and not one of the engine's markers."""
    return value is not None and not (isinstance(value, str) and value in UNKNOWNS)


def kubernetes_version(resource: PlannedResource, today: date) -> Iterator[str]:
    """A cluster names its version, and that version is still supported at all."""
    if resource.type not in CLUSTERS:
        return
    version = resource.properties.get("version")
    if version is None:
        yield f"version: missing; pin one of {', '.join(KUBERNETES_VERSIONS)}"
    elif known(version):
        found = KUBERNETES_VERSIONS.get(str(version))
        if found is None:
            yield f"version: {version!r} is not one of {', '.join(KUBERNETES_VERSIONS)}"
        elif found.support(today) == "ended":
            ended = found.extended_until
            yield f"version: support of {version} ended on {ended}; upgrade, minor by minor"


def kubernetes_standard_support(resource: PlannedResource, today: date) -> Iterator[str]:
    """A cluster's version is in standard support, or costs six times as much."""
    if resource.type not in CLUSTERS:
        return
    version = str(resource.properties.get("version"))
    found = KUBERNETES_VERSIONS.get(version)
    if found is not None and found.support(today) == "extended":
        yield f"version: standard support of {version} ended on {found.standard_until}; upgrade"


def pinned_versions(resource: PlannedResource, today: date) -> Iterator[str]:
    """A Helm release names its chart's version, and its image by digest or patch version."""
    if resource.type not in RELEASES:
        return
    version = resource.properties.get("version")
    if version is None or (known(version) and not PINNED_VERSION.match(str(version))):
        yield f"version: {version!r} is not a chart version such as 2.48.0"
    image = _at(resource.properties, "values", "image")
    if not isinstance(image, Mapping):
        return
    digest, tag = image.get("digest"), image.get("tag")
    if digest and known(digest) and not DIGEST.match(str(digest)):
        yield f"values.image.digest: {digest!r} is not sha256: and 64 hex digits"
    if not digest and known(tag) and not PINNED_TAG.match(str(tag)):
        yield f"values.image.tag: {tag!r} may change; give a patch version or image.digest"
    if not digest and tag is None:
        yield "values.image: neither tag nor digest; give image.digest"


def private_endpoint(resource: PlannedResource, today: date) -> Iterator[str]:
    """In production, no Kubernetes API is reachable from the internet."""
    if resource.type == INGRESS and resource.production:
        for name in ("cidrIpv4", "cidrIpv6"):
            if resource.properties.get(name) in EVERYBODY:
                yield f"{name}: every network; allowed in {resource.stack}: those that need access"
    if resource.type not in CLUSTERS or not resource.production:
        return
    where = "endpointPublicAccess"
    access = resource.properties.get(where)
    if resource.type == "aws:eks/cluster:Cluster":
        where = "vpcConfig.endpointPublicAccess"
        access = _at(resource.properties, "vpcConfig", "endpointPublicAccess")
    # AWS makes it public when nothing is said.
    if access is None or (known(access) and access is not False):
        yield f"{where}: {access!r}; allowed in {resource.stack}: False, with a private endpoint"


def protected(resource: PlannedResource, today: date) -> Iterator[str]:
    """In production, what holds records or addresses is protected from being destroyed."""
    if resource.type in STATEFUL and resource.production and not resource.protect:
        yield f"not protected: set protect=True, or kafka-gateway:protect in stack {resource.stack}"


def least_privilege(resource: PlannedResource, today: date) -> Iterator[str]:
    """Access to Kafka names its resource, its operation and its user."""
    if resource.type == ROLE_BINDING:
        yield from _role(resource)
    if resource.type not in ACLS or resource.properties.get("permission") == "DENY":
        return
    given = resource.properties
    operation = str(given.get("operation", "")).upper()
    if operation in BROAD_OPERATIONS:
        yield f"operation: {operation} is broader than the gateway needs; allowed: READ, WRITE, …"
    if given.get("principal") == "User:*":
        yield "principal: 'User:*' is every account; name one service account"
    name = given.get("resourceName")
    pattern = str(given.get("patternType", "")).upper()
    if name == "*":
        yield "resourceName: '*' is every resource; name one"
    if pattern == "PREFIXED" and known(name) and len(str(name)) < 3:
        yield f"resourceName: prefix {name!r} matches nearly everything; name more of it"


def _role(resource: PlannedResource) -> Iterator[str]:
    role = resource.properties.get("roleName")
    if role in BROAD_ROLES:
        yield f"roleName: {role} reaches beyond this cluster; allowed: {ADMIN_ROLE} or narrower"
    if role == ADMIN_ROLE and "admin" not in resource.name:
        yield f"roleName: {ADMIN_ROLE} is only for the account that makes topics, named …-admin"


def tls_verification(resource: PlannedResource, today: date) -> Iterator[str]:
    """No setting anywhere in a resource turns the verification of a certificate off."""
    for path, key, value in _walk(resource.properties):
        if VERIFICATION.match(key) and any(value is item or value == item for item in OFF):
            yield f"{path}: {value!r} turns certificate verification off; leave it on"
        if SKIPPING.match(key) and value in (True, "true", "on"):
            yield f"{path}: {value!r} skips certificate verification; leave it out"


def tags(resource: PlannedResource, today: date) -> Iterator[str]:
    """What AWS bills says which stack of which project it belongs to."""
    if resource.type not in TAGGED:
        return
    given = resource.properties.get("tags")
    if given is not None and not isinstance(given, Mapping):
        return
    for tag in NEEDED_TAGS:
        if tag not in (given or {}):
            yield f"tags: {tag!r} is missing"


def certificate_lifetimes(resource: PlannedResource, today: date) -> Iterator[str]:
    """A certificate lives for 398 days at most and is renewed a week or more before it ends."""
    if resource.type != CERTIFICATE:
        return
    limit = AUTHORITY_HOURS if resource.properties.get("kind") == "ca" else LEAF_HOURS
    hours = resource.properties.get("validityHours")
    if isinstance(hours, int | float) and hours > limit:
        yield f"validityHours: {hours:.0f} is longer than {limit} ({limit // 24} days)"
    renewal = resource.properties.get("earlyRenewalHours")
    if isinstance(renewal, int | float) and renewal < RENEWAL_HOURS:
        yield f"earlyRenewalHours: {renewal:.0f} leaves less than {RENEWAL_HOURS} (a week) to renew"


def no_plain_secrets(resource: PlannedResource, today: date) -> Iterator[str]:
    """A Helm release's environment refers to a Kubernetes Secret for everything secret."""
    if resource.type not in RELEASES:
        return
    for section in ("env", "customEnv"):
        values = _at(resource.properties, "values", section)
        for name, value in values.items() if isinstance(values, Mapping) else ():
            path = str(value).startswith("/") or str(value).startswith("{vault://")
            if SECRET_NAME.search(name) and isinstance(value, str) and not path:
                yield f"values.{section}.{name}: a secret in clear; use valueFrom.secretKeyRef"


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield path, last key and value of everything that is neither a mapping nor a list."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if isinstance(item, Mapping | list):
                yield from _walk(item, inner)
            else:
                yield inner, str(key), item
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _walk(item, f"{path}[{place}]")


RULES = (
    Rule("kubernetes-version", "Kubernetes is pinned and supported.", kubernetes_version),
    Rule(
        "kubernetes-standard-support",
        "Kubernetes is in standard support.",
        kubernetes_standard_support,
        mandatory=False,
    ),
    Rule("pinned-versions", "Charts and images are pinned.", pinned_versions),
    Rule("private-endpoint", "No public Kubernetes endpoint in production.", private_endpoint),
    Rule("protected", "Stateful resources in production are protected.", protected),
    Rule("least-privilege", "Access to Kafka is as narrow as its use.", least_privilege),
    Rule("tls-verification", "TLS certificates are verified everywhere.", tls_verification),
    Rule("tags", "Cloud resources carry stack and project.", tags),
    Rule("certificate-lifetimes", "Certificates are short-lived.", certificate_lifetimes),
    Rule("no-plain-secrets", "Secrets reach pods by reference.", no_plain_secrets),
)
