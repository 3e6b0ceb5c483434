# SPDX-License-Identifier: Apache-2.0
"""``gateway:kafka:Acl``: one access rule."""

from __future__ import annotations

from confluent_kafka.admin import (  # type: ignore[attr-defined] # not in its __all__
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from gateway.errors import ResourceError
from provider.diff import PropertyChange, changes_between
from provider.fields import check_fields
from provider.imports import kafka_of_environment
from provider.kafka_admin import TIMEOUT_SECONDS, kafka_admin
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import KafkaAclType
from provider.retry import with_retry
from provider.values import Properties

_PARTS = (
    "principal", "host", "operation", "permission", "resourceType", "resourceName", "patternType",
)  # fmt: skip
"""Of an id to import, in the order that other tools for Kafka's rules have it."""
_AS_IT_IS = ("principal", "host", "resourceName")


class KafkaAcl(Resource):
    """An access rule at ``endpoint``.

    A rule is its fields: an edit makes the new rule before it removes the old one.
    """

    schema = KafkaAclType

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Every edit is another rule."""
        return changes_between(state.inputs, news)

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """A rule that is missing on the broker, unless another one is about to be made."""
        if edits or _exists(news):
            return []
        call.warn(f"the rule for {news['principal']} is missing on the broker")
        return [PropertyChange("principal", "add", recorded=False)]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Make the rule; one that is there already stays."""
        _create(call, inputs)
        return call.derived_id, self.schema.recorded(inputs)

    def refresh(self, state: State) -> State | None:
        """Whether the rule is there."""
        return state if _exists(state.inputs) else None

    def import_existing(self, identity: str) -> State | None:
        """The rule with these parts, at the Kafka that the environment names."""
        parts = identity.split("|")
        if len(parts) != len(_PARTS) or not all(parts):
            raise ResourceError(
                f"an access rule's id is {'|'.join(_PARTS)}, such as "
                f"User:me|*|write|allow|topic|orders|literal; not {identity!r}"
            )
        pairs = zip(_PARTS, parts, strict=True)
        given = {name: part if name in _AS_IT_IS else part.lower() for name, part in pairs}
        inputs, problems = check_fields(
            self.schema.inputs, {"endpoint": kafka_of_environment(), **given}
        )
        if problems:
            raise ResourceError("; ".join(f"{path}: {reason}" for path, reason in problems))
        exists = _exists(inputs)
        return State(identity, inputs, self.schema.recorded(inputs)) if exists else None

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Make the new rule, then remove the old one."""
        if not call.preview:
            _create(call, news)
            if _binding(state.inputs) != _binding(news):
                _remove(state.inputs)
        return self.schema.recorded(news)

    def delete(self, call: ResourceCall, state: State) -> None:
        """Remove the rule."""
        _remove(state.inputs)


def _create(call: ResourceCall, inputs: Properties) -> None:
    binding = _binding(inputs)

    def create(admin: AdminClient) -> None:
        admin.create_acls([binding], request_timeout=TIMEOUT_SECONDS)[binding].result()

    with_retry(lambda: kafka_admin(inputs["endpoint"]).change(create), call.cancelled)


def _binding(inputs: Properties) -> AclBinding:
    return AclBinding(*_terms(inputs))


def _filter(inputs: Properties) -> AclBindingFilter:
    return AclBindingFilter(*_terms(inputs))


def _terms(
    inputs: Properties,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    kind = inputs["resourceType"].upper()
    return (
        # The protocol knows clusters by the name that they had in older brokers.
        ResourceType.BROKER if kind == "CLUSTER" else ResourceType[kind],
        inputs["resourceName"],
        ResourcePatternType[inputs["patternType"].upper()],
        inputs["principal"],
        inputs["host"],
        AclOperation[inputs["operation"].upper()],
        AclPermissionType[inputs["permission"].upper()],
    )


def _exists(inputs: Properties) -> bool:
    kind, _, _, principal, _, operation, permission = _terms(inputs)
    # As narrow as one listing can be for many rules: what the client library does not know of,
    # such as operations of newer brokers, would make it fail.
    alike = AclBindingFilter(
        kind,
        None,  # type: ignore[arg-type] # any, as its documentation says
        ResourcePatternType.ANY,
        principal,
        None,  # type: ignore[arg-type] # any
        operation,
        permission,
    )

    def listing(admin: AdminClient) -> frozenset[AclBinding]:
        return frozenset(admin.describe_acls(alike, request_timeout=TIMEOUT_SECONDS).result())

    what = f"rules {kind.name} {operation.name} {permission.name} {principal}"
    return _binding(inputs) in kafka_admin(inputs["endpoint"]).listed(what, listing)


def _remove(inputs: Properties) -> None:
    wanted = _filter(inputs)
    kafka_admin(inputs["endpoint"]).change(
        lambda admin: admin.delete_acls([wanted], request_timeout=TIMEOUT_SECONDS)[wanted].result()
    )
