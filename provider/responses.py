# SPDX-License-Identifier: Apache-2.0
"""Responses of a provider: changes property by property, a resource that failed half-way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from provider.diff import PropertyChange

_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
}


def top_property(path: str) -> str:
    """Return the name that a property path begins with."""
    return path.partition(".")[0].partition("[")[0]


def diff_response(
    changes: Sequence[PropertyChange], delete_before_replace: bool
) -> provider_pb2.DiffResponse:
    """Return the response to Diff; ``delete_before_replace`` counts only for a replacement."""
    replaces = sorted(change.path for change in changes if change.replace)
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changes else response.DIFF_NONE,
        diffs=sorted({top_property(change.path) for change in changes}),
        replaces=replaces,
        deleteBeforeReplace=delete_before_replace and bool(replaces),
        hasDetailedDiff=True,
        detailedDiff={
            change.path: provider_pb2.PropertyDiff(
                kind=_KINDS[change.kind, change.replace], inputDiff=change.recorded
            )
            for change in changes
        },
    )


def abort_init_failed(
    context: Any, identity: str, message: str, inputs: struct_pb2.Struct, outputs: struct_pb2.Struct
) -> NoReturn:
    """Fail, and have the engine record the resource: google.rpc.Status with our detail in it."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=identity, inputs=inputs, properties=outputs, reasons=[message]
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
    raise AssertionError("abort always raises")
