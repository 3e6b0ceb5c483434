# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import EndpointUnreachable, ResourceError
from provider.diff import PropertyChange, changes_between
from provider.engine_log import EngineLog
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import CredentialType
from provider.values import UNKNOWN, Properties

URN = "urn:pulumi:dev::project::a:b:Parent$gateway:index:Credential::one"


class Remote(Resource):
    """A resource on an endpoint that is unreachable."""

    schema = CredentialType
    import_refusal = "it cannot be imported"

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        return changes_between(state.inputs, news, replacing=("prefix",))

    def drift(self, *_: Any) -> list[PropertyChange]:
        raise EndpointUnreachable("no answer")

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        return call.derived_id, inputs

    def refresh(self, state: State) -> State | None:
        raise EndpointUnreachable("no answer")

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        return news


class Warnings(EngineLog):
    """Keeps the warnings that many resources share."""

    def __init__(self) -> None:
        super().__init__()
        self.shared: list[str] = []

    def shared_warning(self, urn: str, message: str) -> None:
        self.shared.append(message)


@pytest.fixture
def call() -> ResourceCall:
    return ResourceCall(URN, Warnings())


def recorded(**inputs: Any) -> State:
    return State("id", inputs, {**inputs, "key": "k"})


def test_ids_come_from_stack_and_name(call: ResourceCall) -> None:
    assert (call.name, call.stack, call.derived_id) == ("one", "project/dev", "project/dev/one")


def test_an_unreachable_endpoint_keeps_what_is_recorded_and_warns(
    call: ResourceCall,
) -> None:
    state = recorded(length=20)
    (edit,) = Remote().diff(call, state, {"length": 30})
    assert edit.path == "length"
    assert Remote().read(call, state) is state
    assert isinstance(call.log, Warnings)
    assert call.log.shared == ["no answer; what is recorded of it is kept"] * 2


@pytest.mark.parametrize("news", [{"prefix": "new"}, {"length": UNKNOWN}])
def test_no_endpoint_is_asked_about_a_replacement_or_unknown_inputs(
    call: ResourceCall, news: Properties
) -> None:
    assert Remote().diff(call, recorded(prefix="old"), news)
    assert isinstance(call.log, Warnings)
    assert call.log.shared == []


def test_a_resource_that_is_not_recorded_says_why_it_cannot_be_imported(call: ResourceCall) -> None:
    with pytest.raises(ResourceError, match="it cannot be imported"):
        Remote().read(call, State("id", {}, {}))


def test_a_preview_makes_nothing_and_shows_each_output_as_unknown() -> None:
    preview = ResourceCall(URN, EngineLog(), preview=True)
    made = {"prefix": "p", "key": UNKNOWN, "secret": UNKNOWN}
    assert Remote().create(preview, {"prefix": "p"}) == ("", made)
