# SPDX-License-Identifier: Apache-2.0
"""``gateway:konnect:DataPlaneCertificate``: a certificate that data planes may present."""

from __future__ import annotations

from gateway.errors import ResourceError
from gateway.http.json_api import quoted
from provider.diff import PropertyChange, changes_between
from provider.konnect_api import KonnectApi
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import KonnectDataPlaneCertificateType
from provider.values import Properties


class KonnectDataPlaneCertificate(Resource):
    """A certificate that is registered at a control plane of Konnect.

    A renewed one is registered before the old one is removed, so data planes that still present
    the old one stay connected meanwhile.
    """

    schema = KonnectDataPlaneCertificateType
    import_refusal = "a registration cannot be imported: its token is not known here"

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Everything but the API is part of the registration."""
        return changes_between(
            state.inputs, news, replacing=("controlPlaneId", "certificatePem", "title")
        )

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """A certificate that is registered no more."""
        if edits or _is_registered(state):
            return []
        return [PropertyChange("certificatePem", "add", recorded=False)]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Register it; one that is registered already is adopted."""
        outputs = _register(inputs)
        return str(outputs["certificateId"]), outputs

    def refresh(self, state: State) -> State | None:
        """Whether it is registered."""
        return state if _is_registered(state) else None

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Register it again if it is missing; another token is only recorded."""
        if call.preview:
            return {**news, "certificateId": state.outputs["certificateId"]}
        return _register(news)

    def delete(self, call: ResourceCall, state: State) -> None:
        """Remove the registration."""
        KonnectApi(state.inputs["api"]).request("DELETE", _registration_path(state))


def _register(inputs: Properties) -> Properties:
    api, path = KonnectApi(inputs["api"]), _path(inputs)
    registered = api.find(path) or {"items": []}
    for item in registered["items"]:
        if item["cert"].strip() == inputs["certificatePem"].strip():
            return {**inputs, "certificateId": item["id"]}
    body = {"cert": inputs["certificatePem"], "title": inputs["title"]}
    response = api.request("POST", path, body)
    if response.status == 404:
        raise ResourceError(f"Konnect has no control plane {inputs['controlPlaneId']}")
    return {**inputs, "certificateId": response.body["item"]["id"]}


def _path(inputs: Properties) -> str:
    return f"/v2/control-planes/{quoted(inputs['controlPlaneId'])}/dp-client-certificates"


def _registration_path(state: State) -> str:
    return f"{_path(state.inputs)}/{quoted(state.outputs['certificateId'])}"


def _is_registered(state: State) -> bool:
    return KonnectApi(state.inputs["api"]).find(_registration_path(state)) is not None
