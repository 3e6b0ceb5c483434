# SPDX-License-Identifier: Apache-2.0
"""``gateway:konnect:ControlPlane``: a control plane of Konnect and its endpoints."""

from __future__ import annotations

from typing import Any

from gateway.errors import ResourceError
from provider.diff import Change, changes_between, format_path
from provider.fields import mapping, text
from provider.http_api import quoted
from provider.konnect_api import API, TOKEN_PATH, ask, konnect
from provider.resource import Call, Resource, State
from provider.values import UNKNOWN, Properties, is_known

_PATH = "/v2/control-planes"
_MADE = ("controlPlaneId", "controlPlaneEndpoint", "telemetryEndpoint")
_ID_LABEL = "kafka-gateway-id"
_EDITABLE = ("name", "description", "labels")


class ControlPlane(Resource):
    """Outputs: the inputs, ``controlPlaneId``, ``controlPlaneEndpoint``, ``telemetryEndpoint``.

    The label ``kafka-gateway-id`` carries the id derived from stack and name: a create that was
    interrupted finds its control plane by it.
    """

    token = "gateway:konnect:ControlPlane"  # noqa: S105 - a type token
    fields = {
        "api": API,
        "name": text(required=True),
        "description": text(default=""),
        "authType": text(False, "pinned_client_certs", "pinned_client_certs", "pki_client_certs"),
        "labels": mapping(text(), {}),
    }
    secrets = (TOKEN_PATH,)

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Edits, and what Konnect has instead."""
        changes = changes_between(state.inputs, news, replacing=("authType",))
        if not is_known(news) or any(change.replace for change in changes):
            return changes
        try:
            live = _get(state.outputs, news)
        except ResourceError as problem:
            call.warn_away(problem)
            return changes
        if live is None:
            return [*changes, Change("name", "add", recorded=False)]
        edited = {change.path for change in changes}
        drift = [format_path((name,)) for name in _EDITABLE if _shown(live)[name] != news[name]]
        return changes + [
            Change(path, recorded=False)
            for path in drift
            if not any(other.startswith(path) for other in edited)
        ]

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make it, or adopt the one that carries our label."""
        if call.preview:
            return "", {**inputs, **dict.fromkeys(_MADE, UNKNOWN)}
        return call.derived_id, self._made(call, inputs)

    def read(self, call: Call, state: State) -> State | None:
        """The control plane as Konnect has it."""
        if not state.inputs:
            raise ResourceError("a control plane cannot be imported: its token is not known here")
        try:
            live = _get(state.outputs, state.inputs)
        except ResourceError as problem:
            call.warn_away(problem)
            return state
        if live is None:
            return None
        inputs = {**state.inputs, **_shown(live)}
        return State(state.id, inputs, {**inputs, **_outputs(live)})

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Edit it in place; make it again if it is gone."""
        known = {name: state.outputs[name] for name in _MADE}
        if call.preview:
            return {**news, **known}
        path = f"{_PATH}/{quoted(state.outputs['controlPlaneId'])}"
        answer = ask(konnect(news), "PATCH", path, _body(call, news))
        if answer.status == 404:
            return self._made(call, news)
        return {**news, **_outputs(answer.body)}

    def delete(self, call: Call, state: State) -> None:
        """Delete it."""
        path = f"{_PATH}/{quoted(state.outputs['controlPlaneId'])}"
        ask(konnect(state.inputs), "DELETE", path)

    def _made(self, call: Call, inputs: Properties) -> Properties:
        api = konnect(inputs)
        label = f"{_ID_LABEL}:{_label(call)}"
        found = ask(api, "GET", f"{_PATH}?labels={quoted(label)}")
        if found.status == 200 and found.body["data"]:
            path = f"{_PATH}/{quoted(found.body['data'][0]['id'])}"
            return {**inputs, **_outputs(ask(api, "PATCH", path, _body(call, inputs)).body)}
        body = {
            **_body(call, inputs),
            "cluster_type": "CLUSTER_TYPE_CONTROL_PLANE",
            "auth_type": inputs["authType"],
        }
        return {**inputs, **_outputs(ask(api, "POST", _PATH, body).body)}


def _label(call: Call) -> str:
    """Our id as a label may be written: letters, digits, ``.``, ``-``, ``_``; 63 at most."""
    text_id = call.derived_id.replace("/", ".")
    return "".join(c if c.isalnum() or c in ".-_" else "_" for c in text_id)[:63].strip(".-_")


def _body(call: Call, inputs: Properties) -> dict[str, Any]:
    labels = {**inputs["labels"], _ID_LABEL: _label(call)}
    return {"name": inputs["name"], "description": inputs["description"], "labels": labels}


def _get(outputs: Properties, inputs: Properties) -> dict[str, Any] | None:
    answer = ask(konnect(inputs), "GET", f"{_PATH}/{quoted(outputs['controlPlaneId'])}")
    found: dict[str, Any] | None = None if answer.status == 404 else answer.body
    return found


def _shown(live: dict[str, Any]) -> Properties:
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
