# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:Configuration``: all entities of one owner, published as one release."""

from __future__ import annotations

from typing import Any

from gateway.document import check_document
from gateway.errors import DocumentError, EndpointUnreachable, ResourceError
from provider.diff import Change, changes_between
from provider.documents import differences, problem_at, refreshed, shown_kind, told, was_said
from provider.fields import Problem, anything, integer, mapping, text
from provider.publishing.admin import ADMIN, SECRETS, check_admin, publisher
from provider.publishing.publisher import Publication
from provider.resource import Call, Resource, State
from provider.values import UNKNOWN, Properties, is_known


class Configuration(Resource):
    """A keyed document on the control plane at ``admin``; drift shows as a change.

    Outputs: the inputs, ``release`` (its number) and ``hash``.
    """

    token = "gateway:index:Configuration"  # noqa: S105 - a type token
    fields = {
        "admin": ADMIN,
        "owner": text(required=True),
        "document": mapping(anything(), {}),
        "message": text(),
        "waitSeconds": integer(default=30, maximum=600),
    }
    secrets = SECRETS
    # Names are unique in the whole gateway: the old owner's must be gone first.
    delete_before_replace = True

    def check_more(self, call: Call, olds: Properties, inputs: Properties) -> list[Problem]:
        """The gateway's own checks, each problem at its place in ``document``."""
        problems = check_admin(inputs["admin"])
        if problems:
            return problems
        if inputs["document"] == UNKNOWN:
            return []
        try:
            check_document(inputs["document"], UNKNOWN)
        except DocumentError as error:
            return [problem_at(sentence) for sentence in error.problems]
        return []

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Edits of the document, and what differs on the control plane."""
        olds = {**state.inputs, "document": None}
        changes = changes_between(
            olds,
            {**news, "document": None},
            replacing=("owner",),
            ignoring=("message", "waitSeconds"),
        )
        if UNKNOWN in (news["document"], news["owner"], news["admin"]):
            return [*changes, Change("document")]
        before = state.inputs.get("document") or {}
        edits = differences(before, news["document"], news["owner"])
        changes += [Change(path, kind) for path, kind in edits.items()]
        if not any(change.replace for change in changes):
            changes += self._drift(call, news, edits)
        return changes

    def _drift(self, call: Call, news: Properties, edits: dict[str, Any]) -> list[Change]:
        if not is_known(news["admin"]):
            return []
        try:
            live = _live(news)
        except ResourceError as problem:
            call.warn_away(problem)
            return []
        found = differences(live, news["document"], news["owner"])
        drift = [path for path in found if path not in edits]
        if news["admin"].get("kind") == "konnect":
            drift = [path for path in drift if was_said(path, news)]
        if drift:
            named = ", ".join(told(path, live, news["document"]) for path in drift)
            call.warn(f"changed on the control plane by somebody else: {named}")
        return [Change(path, shown_kind(path, found[path], news), recorded=False) for path in drift]

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Publish; a release that an interrupted create left is found by its owner."""
        if call.preview:
            return "", {**inputs, "release": UNKNOWN, "hash": UNKNOWN}
        return inputs["owner"], self._publish(call, inputs)

    def read(self, call: Call, state: State) -> State | None:
        """The live document, with only the fields that are recorded or differ."""
        if not state.inputs:
            raise ResourceError(
                "a configuration cannot be imported: creating one takes over what its owner has"
            )
        try:
            live = _live(state.inputs)
        except ResourceError as problem:
            call.warn_away(problem)
            return state
        if not live and state.inputs["document"]:
            return None
        document = refreshed(state.inputs["document"], live, state.inputs["owner"])
        fresh = {"document": document}
        return State(state.id, {**state.inputs, **fresh}, {**state.outputs, **fresh})

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Publish the new document."""
        if call.preview:
            return {**news, "release": UNKNOWN, "hash": UNKNOWN}
        return self._publish(call, news)

    def delete(self, call: Call, state: State) -> None:
        """Publish without the owner's entities; a control plane that is gone has none."""
        inputs = state.inputs
        try:
            with publisher(inputs["admin"]) as control_plane:
                control_plane.withdraw(inputs["owner"], inputs["waitSeconds"])
        except EndpointUnreachable as problem:
            call.warn(f"{problem}; its configuration is taken for gone")

    def _publish(self, call: Call, inputs: Properties) -> Properties:
        publication = Publication(
            owner=inputs["owner"],
            document=inputs["document"],
            message=inputs.get("message", ""),
            who=f"pulumi {call.stack}",
            wait=inputs["waitSeconds"],
        )
        with publisher(inputs["admin"]) as control_plane:
            made = control_plane.publish(publication, call.cancelled, call.warn)
        return {**inputs, "release": made.release, "hash": made.hash}


def _live(inputs: Properties) -> dict[str, Any]:
    with publisher(inputs["admin"]) as control_plane:
        return control_plane.live(inputs["owner"])
