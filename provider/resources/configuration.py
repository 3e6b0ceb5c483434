# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:Configuration``: all entities of one owner, published as one release."""

from __future__ import annotations

import copy
import re
from typing import Any

from gateway.document import check_document, diff_documents
from gateway.errors import DocumentError, EndpointUnreachable, ResourceError
from provider.diff import Change, changes_between, parse_path
from provider.fields import Problem, integer, mapping, record, text
from provider.fields import anything as any_value
from provider.http_api import Answer, Api, quoted
from provider.resource import Call, Resource, State
from provider.values import UNKNOWN, Path, Properties, is_known

# A problem of a document: its path, then a sentence (gateway.errors.DocumentError).
_PROBLEM = re.compile(r'((?:[\w.-]|\[\d+\]|\["(?:[^"\\]|\\.)*"\])+): (.*)\Z', re.DOTALL)
_START_SECONDS = 30.0
# On top of the wait for data planes: other writes come first, and a refused one is taken back.
_MARGIN_SECONDS = 30.0
_URL_PARTS = ("protocol", "host", "port", "path")


class Configuration(Resource):
    """A keyed document on the control plane at ``admin``; drift shows as a change.

    Outputs: the inputs, ``release`` (its number) and ``hash``.
    """

    token = "gateway:index:Configuration"  # noqa: S105 - a type token
    fields = {
        "admin": record({"url": text(required=True), "token": text(), "ca": text()}, required=True),
        "owner": text(required=True),
        "document": mapping(any_value(), {}),
        "message": text(),
        "waitSeconds": integer(default=30, maximum=600),
    }
    secrets = (("admin", "token"),)
    # Names are unique in the whole gateway: the old owner's must be gone first.
    delete_before_replace = True

    def check_more(self, call: Call, olds: Properties, inputs: Properties) -> list[Problem]:
        """The gateway's own checks, each problem at its place in ``document``."""
        url = inputs["admin"]["url"] if inputs["admin"] != UNKNOWN else UNKNOWN
        if url != UNKNOWN and not url.startswith(("http://", "https://")):
            return [("admin.url", "should start with http:// or https://")]
        if inputs["document"] == UNKNOWN:
            return []
        try:
            check_document(inputs["document"], UNKNOWN)
        except DocumentError as error:
            return [_problem(sentence) for sentence in error.problems]
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
        edits = _differences(before, news["document"], news["owner"])
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
            call.warn(f"{problem}; its configuration is compared with the recorded one only")
            return []
        found = _differences(live, news["document"], news["owner"])
        drift = [path for path in found if path not in edits]
        if drift:
            call.warn(f"changed on the control plane by somebody else: {', '.join(drift)}")
        return [Change(path, found[path], recorded=False) for path in drift]

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
            call.warn(f"{problem}; the recorded configuration is kept")
            return state
        if not live and state.inputs["document"]:
            return None
        document = _refreshed(state.inputs["document"], live, state.inputs["owner"])
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
        wait = inputs["waitSeconds"]
        path = f"/owners/{quoted(inputs['owner'])}?wait={wait}"
        try:
            answer = _api(inputs).request("DELETE", path, timeout=wait + _MARGIN_SECONDS)
        except EndpointUnreachable as problem:
            call.warn(f"{problem}; its configuration is taken for gone")
            return
        if answer.status not in (200, 204, 404):
            raise ResourceError(_refusal(answer, inputs))

    def _publish(self, call: Call, inputs: Properties) -> Properties:
        body = {
            "owner": inputs["owner"],
            "document": inputs["document"],
            "message": inputs.get("message", ""),
            "who": f"pulumi {call.stack}",
            "wait": inputs["waitSeconds"],
        }
        answer = _api(inputs).request_patiently(
            "POST",
            "/releases",
            body,
            inputs["waitSeconds"] + _MARGIN_SECONDS,
            _START_SECONDS,
            call.cancelled,
        )
        if answer.status not in (200, 201):
            raise ResourceError(_refusal(answer, inputs))
        number = answer.body["number"]
        for plane in _planes(answer, "timeout", "incompatible"):
            reason = plane.get("error") or f"not confirmed within {inputs['waitSeconds']} s"
            call.warn(f"data plane {_name(plane)} does not serve release {number}: {reason}")
        return {**inputs, "release": number, "hash": answer.body["hash"]}


def _api(inputs: Properties) -> Api:
    admin = inputs["admin"]
    headers = {"Kong-Admin-Token": admin["token"]} if admin.get("token") else {}
    return Api(admin["url"], headers, admin.get("ca"))


def _live(inputs: Properties) -> dict[str, Any]:
    """The owner's live document, empty when there is none. Raises ResourceError."""
    answer = _api(inputs).request("GET", f"/owners/{quoted(inputs['owner'])}")
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise ResourceError(f"{inputs['admin']['url']} answers {answer.message}")
    live: dict[str, Any] = answer.body["document"]
    return live


def _differences(old: Any, new: Any, owner: str) -> dict[str, Any]:
    """Changes from one document to the other, by property path below ``document``."""
    try:
        found = diff_documents(old, new, owner)
    except DocumentError:
        return {"document": "update"} if old != new else {}
    return {f"document.{path}": kind for path, kind in found.items()}


def _refreshed(recorded: Any, live: dict[str, Any], owner: str) -> Any:
    """The recorded document with what differs taken from the live one."""
    fresh = copy.deepcopy(recorded)
    for text_path in diff_documents(recorded, live, owner):
        path = parse_path(text_path)
        value = _at(live, path)
        _split_url(fresh, live, path)
        _put(fresh, path, value)
    return fresh


def _split_url(document: Any, live: dict[str, Any], path: Path) -> None:
    holder = _at(document, path[:-1])
    if path[-1] in _URL_PARTS and isinstance(holder, dict) and holder.pop("url", None) is not None:
        current = _at(live, path[:-1])
        holder.update({name: current[name] for name in _URL_PARTS if current.get(name) is not None})


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _put(document: Any, path: Path, value: Any) -> None:
    holder = document
    for place, step in enumerate(path[:-1]):
        below = _at(holder, (step,))
        if not isinstance(below, (dict, list)):
            if not isinstance(holder, dict):
                return
            below = holder[step] = [] if isinstance(path[place + 1], int) else {}
        holder = below
    last = path[-1]
    if isinstance(holder, list) and isinstance(last, int):
        holder[last : last + 1] = [] if value is None else [value]
    elif isinstance(holder, dict) and value is None:
        holder.pop(last, None)
    elif isinstance(holder, dict):
        holder[last] = value


def _problem(sentence: str) -> Problem:
    found = _PROBLEM.match(sentence)
    if found is None:
        return "document", sentence
    return f"document.{found.group(1)}", found.group(2)


def _planes(answer: Answer, *status: str) -> list[dict[str, Any]]:
    planes = answer.body.get("data_planes") if isinstance(answer.body, dict) else None
    return [plane for plane in planes or [] if plane.get("status") in status]


def _name(plane: dict[str, Any]) -> str:
    return f"{plane.get('hostname')} ({plane.get('id')})"


def _refusal(answer: Answer, inputs: Properties) -> str:
    """Why a configuration was not taken, in full."""
    refused = [
        f"data plane {_name(plane)} refuses it: {plane.get('error')}"
        for plane in _planes(answer, "refused")
    ]
    if refused:
        return (
            "the configuration was not published and the previous one is served on; "
            + "; ".join(refused)
        )
    problems = answer.body.get("problems") if isinstance(answer.body, dict) else None
    if problems:
        lines = [_sentence(problem) for problem in problems]
        return "the control plane refuses the configuration:\n" + "\n".join(lines)
    return f"{inputs['admin']['url']} answers {answer.message}"


def _sentence(problem: Any) -> str:
    if isinstance(problem, str):
        path, reason = _problem(problem)
        return f"  {path}: {reason}"
    return f"  {problem}"
