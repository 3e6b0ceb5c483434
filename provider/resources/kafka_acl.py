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
from provider.diff import Change, changes_between
from provider.fields import text
from provider.kafka_admin import ENDPOINT, TIMEOUT_SECONDS, connect
from provider.resource import Call, Resource, State
from provider.values import Properties, is_known

_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS = (
    "all", "alter", "alter_configs", "cluster_action", "create", "delete", "describe",
    "describe_configs", "idempotent_write", "read", "write",
)  # fmt: skip


class KafkaAcl(Resource):
    """An access rule at ``endpoint``. Outputs: the inputs.

    A rule is its fields: an edit makes the new rule before it removes the old one.
    """

    token = "gateway:kafka:Acl"  # noqa: S105 - a type token
    fields = {
        "endpoint": ENDPOINT,
        "principal": text(required=True),
        "resourceType": text(True, None, *_RESOURCES),
        "resourceName": text(required=True),
        "patternType": text(False, "literal", "literal", "prefixed"),
        "operation": text(True, None, *_OPERATIONS),
        "permission": text(False, "allow", "allow", "deny"),
        "host": text(default="*"),
    }
    secrets = (("endpoint", "password"),)

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Edits, and a rule that is missing on the broker."""
        changes = changes_between(state.inputs, news)
        if changes or not is_known(news):
            return changes
        try:
            if not _exists(news):
                call.warn(f"the rule for {news['principal']} is missing on the broker")
                changes.append(Change("principal", "add", recorded=False))
        except ResourceError as problem:
            call.warn_away(problem)
        return changes

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make the rule; one that is there already stays."""
        if call.preview:
            return "", inputs
        self._make(call, inputs)
        return call.derived_id, inputs

    def read(self, call: Call, state: State) -> State | None:
        """Whether the rule is there."""
        if not state.inputs:
            raise ResourceError("an access rule cannot be imported: creating one adopts it")
        try:
            return state if _exists(state.inputs) else None
        except ResourceError as problem:
            call.warn_away(problem)
            return state

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Make the new rule, then remove the old one."""
        if not call.preview:
            self._make(call, news)
            if _binding(state.inputs) != _binding(news):
                _remove(state.inputs)
        return news

    def delete(self, call: Call, state: State) -> None:
        """Remove the rule."""
        _remove(state.inputs)

    def _make(self, call: Call, inputs: Properties) -> None:
        binding = _binding(inputs)

        def make(admin: AdminClient) -> None:
            admin.create_acls([binding], request_timeout=TIMEOUT_SECONDS)[binding].result()

        connect(inputs["endpoint"]).ask_patiently(make, call.cancelled)


def _binding(inputs: Properties) -> AclBinding:
    return AclBinding(*_terms(inputs))


def _filter(inputs: Properties) -> AclBindingFilter:
    return AclBindingFilter(*_terms(inputs))


def _terms(
    inputs: Properties,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    return (
        _RESOURCES[inputs["resourceType"]],
        inputs["resourceName"],
        ResourcePatternType[inputs["patternType"].upper()],
        inputs["principal"],
        inputs["host"],
        AclOperation[inputs["operation"].upper()],
        AclPermissionType[inputs["permission"].upper()],
    )


def _exists(inputs: Properties) -> bool:
    wanted = _filter(inputs)
    return bool(
        connect(inputs["endpoint"]).ask(
            lambda admin: admin.describe_acls(wanted, request_timeout=TIMEOUT_SECONDS).result()
        )
    )


def _remove(inputs: Properties) -> None:
    wanted = _filter(inputs)
    connect(inputs["endpoint"]).ask(
        lambda admin: admin.delete_acls([wanted], request_timeout=TIMEOUT_SECONDS)[wanted].result()
    )
