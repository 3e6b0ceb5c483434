# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:Release``: a hold, published as one release; or the newest release, served."""

from __future__ import annotations

from gateway.errors import ResourceError
from provider.diff import PropertyChange, changes_between
from provider.fields import Problem, check_fields
from provider.imports import admin_of_environment
from provider.publishing.admin import admin_api, check_admin
from provider.publishing.publisher import Published
from provider.publishing.releases import ReleaseApi
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import PublishedReleaseType
from provider.values import UNKNOWN, Properties

_ASKS_AGAIN = ("hold", "triggers")
"""Inputs whose edits publish, or take the newest release, once more."""


class PublishedRelease(Resource):
    """A release by its number. It is never altered, and nobody can remove it but its age."""

    schema = PublishedReleaseType

    def check_resource(self, olds: Properties, inputs: Properties) -> list[Problem]:
        """Konnect has no releases."""
        admin = inputs["admin"]
        if admin != UNKNOWN and admin.get("kind") == "konnect":
            return [("admin.kind", "'konnect' has no releases; only a control plane of ours has")]
        return check_admin(admin)

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """What stands beside a release that was published stays as it was."""
        return changes_between(state.inputs, news, ignoring=("message", "waitSeconds"))

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """Writes that are held again are to be published."""
        name = news.get("hold")
        if not name or any(edit.path == "hold" for edit in edits):
            return []
        with admin_api(news["admin"]) as api:
            hold = ReleaseApi(api, call.cancelled).hold(name)
        if hold is None or not hold.is_open:
            return []
        call.warn(f'hold "{name}" has writes to publish: {hold.summary}')
        return [PropertyChange("hold", recorded=False)]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Publish the hold, or find what an interrupted create has published of it."""
        made = self._take(call, inputs)
        return str(made["number"]), made

    def refresh(self, state: State) -> State | None:
        """It is gone where the control plane was made anew; not where it has forgotten it."""
        number, digest = state.outputs["number"], state.outputs["hash"]
        with admin_api(state.inputs["admin"]) as api:
            releases = ReleaseApi(api)
            newest = releases.newest()
            # The newest one always comes with its hash.
            same = newest is not None and newest.number == number
            found = newest if same else releases.find(number)
        if found is None:
            forgotten = number == 0 or (newest is not None and newest.number > number)
            return state if forgotten else None
        other = found.hash and digest and found.hash != digest
        return None if other else state

    def import_existing(self, identity: str) -> State | None:
        """The release of this number, at the control plane that the environment names."""
        if not (identity.isascii() and identity.isdigit()):
            raise ResourceError(f"{identity!r} is no release: import one by its number")
        admin = admin_of_environment()
        with admin_api(admin) as api:
            found = ReleaseApi(api).find(int(identity))
        if found is None:
            return None
        inputs, _ = check_fields(self.schema.inputs, {"admin": admin, "message": found.message})
        return State(identity, inputs, {**inputs, "number": found.number, "hash": found.hash})

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Publish what is held by now; another address or token of the same changes nothing."""
        edited = self.edits(state, news)
        if edited and not any(edit.path.startswith(_ASKS_AGAIN) for edit in edited):
            kept = {name: state.outputs[name] for name in self.schema.outputs}
            return {**news, **kept}
        return self.with_unknown_outputs(news) if call.preview else self._take(call, news)

    def _take(self, call: ResourceCall, inputs: Properties) -> Properties:
        with admin_api(inputs["admin"]) as api:
            releases = ReleaseApi(api, call.cancelled)
            taken = self._published(call, inputs, releases)
        return {**inputs, "number": taken.release, "hash": taken.hash}

    def _published(self, call: ResourceCall, inputs: Properties, releases: ReleaseApi) -> Published:
        name, wait = inputs.get("hold"), inputs["waitSeconds"]
        hold = releases.hold(name) if name else None
        if hold is not None and hold.is_open:
            body = {"who": f"pulumi {call.stack}", "wait": wait}
            if inputs.get("message"):
                body["message"] = inputs["message"]
            return releases.publish_hold(str(name), body, call.warn)
        if hold is not None and hold.state.startswith("dropped"):
            raise ResourceError(
                f'hold "{name}" has nothing to publish, it was {hold.state}; make its writes again'
            )
        if hold is not None and hold.release is not None:
            found = releases.find(hold.release)
            return Published(hold.release, found.hash if found else "")
        taken = releases.serve_newest(wait, call.warn)
        if name:
            call.warn(f'hold "{name}" has no writes; release {taken.release} is the newest')
        return taken
