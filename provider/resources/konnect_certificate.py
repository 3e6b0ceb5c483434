# SPDX-License-Identifier: Apache-2.0
"""``gateway:konnect:DataPlaneCertificate``: a certificate that data planes may present."""

from __future__ import annotations

from typing import Any

from gateway.errors import ResourceError
from provider.diff import Change, changes_between
from provider.fields import text
from provider.http_api import quoted
from provider.konnect_api import API, TOKEN_PATH, ask, konnect
from provider.resource import Call, Resource, State
from provider.values import UNKNOWN, Properties, is_known


class DataPlaneCertificate(Resource):
    """Outputs: the inputs and ``certificateId``.

    A renewed certificate is registered before the old one is taken back, so data planes that
    still present the old one stay connected meanwhile.
    """

    token = "gateway:konnect:DataPlaneCertificate"  # noqa: S105 - a type token
    fields = {
        "api": API,
        "controlPlaneId": text(required=True),
        "certificatePem": text(required=True),
        "title": text(default="kafka-gateway"),
    }
    secrets = (TOKEN_PATH,)

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Edits, and a certificate that is registered no more."""
        changes = changes_between(
            state.inputs, news, replacing=("controlPlaneId", "certificatePem", "title")
        )
        if changes or not is_known(news):
            return changes
        try:
            if _get(state) is None:
                changes.append(Change("certificatePem", "add", recorded=False))
        except ResourceError as problem:
            call.warn_away(problem)
        return changes

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Register it; one that is registered already is adopted."""
        if call.preview:
            return "", {**inputs, "certificateId": UNKNOWN}
        outputs = self._registered(inputs)
        return str(outputs["certificateId"]), outputs

    def read(self, call: Call, state: State) -> State | None:
        """Whether it is registered."""
        if not state.inputs:
            raise ResourceError("a registration cannot be imported: its token is not known here")
        try:
            return None if _get(state) is None else state
        except ResourceError as problem:
            call.warn_away(problem)
            return state

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Register it again, or note another token."""
        if call.preview:
            return {**news, "certificateId": state.outputs["certificateId"]}
        return self._registered(news)

    def delete(self, call: Call, state: State) -> None:
        """Take it back."""
        path = f"{_path(state.inputs)}/{quoted(state.outputs['certificateId'])}"
        ask(konnect(state.inputs), "DELETE", path)

    def _registered(self, inputs: Properties) -> Properties:
        api, path = konnect(inputs), _path(inputs)
        listed = ask(api, "GET", path)
        items: list[dict[str, Any]] = listed.body["items"] if listed.status == 200 else []
        for item in items:
            if item["cert"].strip() == inputs["certificatePem"].strip():
                return {**inputs, "certificateId": item["id"]}
        body = {"cert": inputs["certificatePem"], "title": inputs["title"]}
        answer = ask(api, "POST", path, body)
        if answer.status == 404:
            raise ResourceError(f"Konnect has no control plane {inputs['controlPlaneId']}")
        return {**inputs, "certificateId": answer.body["item"]["id"]}


def _path(inputs: Properties) -> str:
    return f"/v2/control-planes/{quoted(inputs['controlPlaneId'])}/dp-client-certificates"


def _get(state: State) -> dict[str, Any] | None:
    path = f"{_path(state.inputs)}/{quoted(state.outputs['certificateId'])}"
    answer = ask(konnect(state.inputs), "GET", path)
    found: dict[str, Any] | None = None if answer.status == 404 else answer.body
    return found
