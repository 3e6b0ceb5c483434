# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:Configuration``: all entities of one owner, published as one release."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from gateway.documents.document import check_document
from gateway.errors import DocumentError, EndpointUnreachable
from gateway.settings.compatibility import OLDER, VERSIONS, version_of
from provider.diff import PropertyChange, changes_between
from provider.documents import (
    describe_drift,
    differences,
    is_specified,
    problem_at,
    refreshed,
    shown_kind,
    with_defaults,
)
from provider.fields import Problem, check_fields
from provider.imports import admin_of_environment
from provider.publishing.admin import check_admin, publisher
from provider.publishing.publisher import Publication
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import ConfigurationType
from provider.values import UNKNOWN, Properties, is_known


class Configuration(Resource):
    """A keyed document on the control plane at ``admin``; drift shows as a change."""

    schema = ConfigurationType
    # Names are unique in the whole gateway: those of the old owner must be removed first.
    delete_before_replace = True

    def check_resource(self, olds: Properties, inputs: Properties) -> list[Problem]:
        """The gateway's own checks, each problem at its place in ``document``."""
        problems = check_admin(inputs["admin"])
        if problems:
            return problems
        if inputs["document"] == UNKNOWN:
            return []
        try:
            with _version_of(inputs):
                check_document(inputs["document"], UNKNOWN)
        except DocumentError as error:
            return [problem_at(sentence) for sentence in error.problems]
        return []

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Edits of the document by its own paths."""
        edits = changes_between(
            {**state.inputs, "document": None},
            {**news, "document": None},
            replacing=("owner",),
            ignoring=("message", "waitSeconds"),
        )
        if UNKNOWN in (news["document"], news["owner"], news["admin"]):
            return [*edits, PropertyChange("document")]
        before = state.inputs.get("document") or {}
        with _version_of(state.inputs):
            before = with_defaults(before, news["owner"])
        with _version_of(news):
            edited = differences(before, news["document"], news["owner"])
        return edits + [PropertyChange(path, kind) for path, kind in edited.items()]

    def has_known_endpoint(self, news: Properties) -> bool:
        """Whether the owner is known on a known control plane; fields may be unknown."""
        return is_known(news["admin"]) and UNKNOWN not in (news["document"], news["owner"])

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """What differs on the control plane, named in a warning."""
        live = _live(news)
        with _version_of(news):
            changed = differences(live, news["document"], news["owner"])
        edited = {edit.path for edit in edits}
        drift = [path for path in changed if path not in edited]
        if news["admin"].get("kind") == "konnect":
            drift = [path for path in drift if is_specified(path, news)]
        if drift:
            named = ", ".join(describe_drift(path, live, news["document"]) for path in drift)
            call.warn(f"changed on the control plane by somebody else: {named}")
        return [
            PropertyChange(path, shown_kind(path, changed[path], news), recorded=False)
            for path in drift
        ]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Publish; a release that an interrupted create left is found by its owner."""
        return inputs["owner"], self._publish(call, inputs)

    def refresh(self, state: State) -> State | None:
        """The live document, with only the fields that are recorded or differ."""
        live = _live(state.inputs)
        if not live and state.inputs["document"]:
            return None
        with _version_of(state.inputs):
            document = refreshed(state.inputs["document"], live, state.inputs["owner"])
        fresh = {"document": document}
        return State(state.id, {**state.inputs, **fresh}, {**state.outputs, **fresh})

    def import_existing(self, identity: str) -> State | None:
        """What the owner of this name has, at the control plane that the environment names."""
        admin = admin_of_environment()
        with publisher(admin) as control_plane:
            owned = control_plane.owned(identity)
        if owned is None:
            return None
        given = {"admin": admin, "owner": identity, "document": owned.document}
        inputs, _ = check_fields(self.schema.inputs, given)
        outputs = {**inputs, "release": owned.release, "hash": owned.hash}
        return State(identity, inputs, outputs)

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Publish the new document."""
        return self.with_unknown_outputs(news) if call.preview else self._publish(call, news)

    def delete(self, call: ResourceCall, state: State) -> None:
        """Publish without the owner's entities; an unreachable control plane counts as deleted."""
        inputs = state.inputs
        try:
            with publisher(inputs["admin"]) as control_plane:
                control_plane.withdraw(inputs["owner"], inputs["waitSeconds"])
        except EndpointUnreachable as problem:
            call.warn(f"{problem}; its configuration is taken for gone")

    def _publish(self, call: ResourceCall, inputs: Properties) -> Properties:
        publication = Publication(
            owner=inputs["owner"],
            document=inputs["document"],
            message=inputs.get("message", ""),
            who=f"pulumi {call.stack}",
            wait=inputs["waitSeconds"],
        )
        with publisher(inputs["admin"]) as control_plane:
            published = control_plane.publish(publication, call.cancelled, call.warn)
        return {**inputs, "release": published.release, "hash": published.hash}


def _version_of(inputs: Properties) -> AbstractContextManager[None]:
    """Fill in the defaults that the control plane of these inputs does."""
    version = inputs.get("compatibilityVersion")
    return version_of(version if version in VERSIONS else OLDER)


def _live(inputs: Properties) -> dict[str, Any]:
    with publisher(inputs["admin"]) as control_plane:
        return control_plane.live(inputs["owner"])
