# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from provider.diff import PropertyChange
from provider.responses import abort_init_failed, diff_response, top_property
from provider.values import encode
from tests.support.provider import CallError, Context


def test_each_change_stands_at_its_path_and_below_its_property() -> None:
    response = diff_response(
        [PropertyChange("a.b", "add", replace=True), PropertyChange('c["d"]', recorded=False)],
        delete_before_replace=True,
    )
    assert list(response.diffs) == ["a", "c"]
    assert list(response.replaces) == ["a.b"]
    assert response.deleteBeforeReplace
    assert response.detailedDiff["a.b"].kind == provider_pb2.PropertyDiff.ADD_REPLACE
    assert not response.detailedDiff['c["d"]'].inputDiff


def test_nothing_is_deleted_before_an_update() -> None:
    assert not diff_response([PropertyChange("a")], True).deleteBeforeReplace


def test_the_top_property_is_the_name_that_a_path_begins_with() -> None:
    assert {top_property(path) for path in ("a", "a.b", "a[0]", 'a["b.c"]')} == {"a"}


def test_a_resource_that_failed_half_way_is_sent_to_be_recorded() -> None:
    with pytest.raises(CallError, match="not ready") as caught:
        abort_init_failed(Context(), "id", "not ready", encode({"a": 1}), struct_pb2.Struct())
    assert caught.value.init_failed.id == "id"
    assert caught.value.init_failed.inputs == encode({"a": 1})
