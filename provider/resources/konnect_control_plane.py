# SPDX-License-Identifier: Apache-2.0
"""``gateway:konnect:ControlPlane``: a control plane of Konnect and its endpoints."""

from __future__ import annotations

from typing import Any

from gateway.http.json_api import quoted
from provider.diff import PropertyChange, changes_between
from provider.konnect_api import KonnectApi
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import KonnectControlPlaneType
from provider.values import Properties

_PATH = "/v2/control-planes"
_ID_LABEL = "kafka-gateway-id"


class KonnectControlPlane(Resource):
    """A control plane that Konnect runs.

    The label ``kafka-gateway-id`` carries the id derived from stack and name: a create that was
    interrupted finds its control plane by it.
    """

    schema = KonnectControlPlaneType
    import_refusal = "a control plane cannot be imported: its token is not known here"

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Edits; how data planes authenticate is decided once."""
        return changes_between(state.inputs, news, replacing=("authType",))

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """What differs on Konnect."""
        live = KonnectApi(news["api"]).find(_path(state))
        if live is None:
            return [PropertyChange("name", "add", recorded=False)]
        editable = _editable(live)
        return [
            PropertyChange(name, recorded=False)
            for name in editable
            if editable[name] != news[name]
            and not any(edit.path.startswith(name) for edit in edits)
        ]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Make it, or adopt the one that carries our label."""
        return call.derived_id, _create_or_adopt(call, inputs)

    def refresh(self, state: State) -> State | None:
        """The control plane as Konnect has it."""
        live = KonnectApi(state.inputs["api"]).find(_path(state))
        if live is None:
            return None
        inputs = {**state.inputs, **_editable(live)}
        return State(state.id, inputs, {**inputs, **_outputs(live)})

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Edit it in place; make it again if it is gone."""
        if call.preview:
            return {**news, **{name: state.outputs[name] for name in self.schema.outputs}}
        response = KonnectApi(news["api"]).request("PATCH", _path(state), _body(call, news))
        if response.status == 404:
            return _create_or_adopt(call, news)
        return {**news, **_outputs(response.body)}

    def delete(self, call: ResourceCall, state: State) -> None:
        """Delete it."""
        KonnectApi(state.inputs["api"]).request("DELETE", _path(state))


def _path(state: State) -> str:
    return f"{_PATH}/{quoted(state.outputs['controlPlaneId'])}"


def _create_or_adopt(call: ResourceCall, inputs: Properties) -> Properties:
    api, body = KonnectApi(inputs["api"]), _body(call, inputs)
    labelled = api.find(f"{_PATH}?labels={quoted(f'{_ID_LABEL}:{_label(call)}')}")
    if labelled is not None and labelled["data"]:
        path = f"{_PATH}/{quoted(labelled['data'][0]['id'])}"
        return {**inputs, **_outputs(api.request("PATCH", path, body).body)}
    kind = {"cluster_type": "CLUSTER_TYPE_CONTROL_PLANE", "auth_type": inputs["authType"]}
    return {**inputs, **_outputs(api.request("POST", _PATH, body | kind).body)}


def _label(call: ResourceCall) -> str:
    """Our id as a label may be written: letters, digits, ``.``, ``-``, ``_``; 63 at most."""
    text_id = call.derived_id.replace("/", ".")
    return "".join(c if c.isalnum() or c in ".-_" else "_" for c in text_id)[:63].strip(".-_")


def _body(call: ResourceCall, inputs: Properties) -> dict[str, Any]:
    labels = {**inputs["labels"], _ID_LABEL: _label(call)}
    return {"name": inputs["name"], "description": inputs["description"], "labels": labels}


def _editable(live: dict[str, Any]) -> Properties:
    """The inputs that can be edited, as they are on Konnect."""
    labels = dict(live.get("labels") or {})
    labels.pop(_ID_LABEL, None)
    return {"name": live["name"], "description": live.get("description") or "", "labels": labels}


def _outputs(live: dict[str, Any]) -> Properties:
    config = live["config"]
    return {
        "controlPlaneId": live["id"],
        "controlPlaneEndpoint": config["control_plane_endpoint"],
        "telemetryEndpoint": config["telemetry_endpoint"],
    }
