# SPDX-License-Identifier: Apache-2.0
"""Driving the provider's servicer through the protocol's own messages, as the engine does."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from gateway.names.property_paths import PropertyPath
from provider.server import Provider
from provider.values import Properties, decode, encode

DIFF_NONE = provider_pb2.DiffResponse.DIFF_NONE
KINDS = {value: name for name, value in provider_pb2.PropertyDiff.Kind.items()}


class CallError(Exception):
    """The provider aborted a call; ``init_failed`` is the recorded state, if it sent one."""

    def __init__(self, code: grpc.StatusCode, text: str, init_failed: Any) -> None:
        self.code = code
        self.text = text
        self.init_failed = init_failed
        super().__init__(text)


class Context:
    """The part of a servicer's context that the provider uses."""

    def __init__(self) -> None:
        self.trailing: tuple[tuple[str, bytes], ...] = ()

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.trailing = metadata

    def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise CallError(code, text, self._detail())

    def _detail(self) -> Any:
        for name, value in self.trailing:
            if name == "grpc-status-details-bin":
                status = status_pb2.Status.FromString(value)
                detail = provider_pb2.ErrorResourceInitFailed()
                assert status.details[0].Unpack(detail)
                return detail
        return None


class Lines:
    """Stands in for the engine's log."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def connect(self, address: str) -> None:
        """Nothing to connect to."""

    def warning(self, urn: str, message: str) -> None:
        self.shown.append(message)

    shared_warning = warning


class Harness:
    """One resource through its life; keeps what the engine would record."""

    def __init__(self, token: str, name: str = "it", stack: str = "test") -> None:
        self.provider = Provider()
        self.lines = Lines()
        self.provider.log = self.lines  # type: ignore[assignment] # the two methods used
        self.urn = f"urn:pulumi:{stack}::project::{token}::{name}"
        self.id = ""
        self.inputs: Properties = {}
        self.outputs: Properties = {}
        self.secrets: frozenset[PropertyPath] = frozenset()

    def check(self, news: Properties, secrets: set[PropertyPath] | None = None) -> Properties:
        """Return the checked inputs; fail the test when something is wrong with them."""
        answer = self._check(news, secrets)
        assert not list(answer.failures), answer.failures
        return decode(answer.inputs)[0]

    def failures(self, news: Properties) -> dict[str, str]:
        """Return what is wrong, by property path."""
        failures = self._check(news, None).failures
        assert not [failure for failure in failures if failure.property], "prints {<nil>}"
        pairs = (failure.reason.partition(": ") for failure in failures)
        return {path: reason for path, _, reason in pairs}

    def _check(self, news: Properties, secrets: set[PropertyPath] | None) -> Any:
        request = provider_pb2.CheckRequest(
            urn=self.urn, olds=encode(self.inputs), news=encode(news, secrets or ())
        )
        return self.provider.Check(request, Context())

    def diff_response(self, news: Properties) -> Any:
        request = provider_pb2.DiffRequest(
            id=self.id,
            urn=self.urn,
            olds=encode(self.outputs),
            old_inputs=encode(self.inputs),
            news=encode(news),
        )
        return self.provider.Diff(request, Context())

    def diff(self, news: Properties | None = None) -> dict[str, str]:
        """Return path to kind, for ``news`` or the recorded inputs."""
        answer = self.diff_response(self.inputs if news is None else news)
        found = {path: KINDS[change.kind] for path, change in answer.detailedDiff.items()}
        assert bool(found) == (answer.changes != DIFF_NONE)
        return found

    def create(self, news: Properties, preview: bool = False) -> Properties:
        """Check and create; record the result unless it is a preview."""
        inputs = self.check(news)
        request = provider_pb2.CreateRequest(
            urn=self.urn, properties=encode(inputs), preview=preview
        )
        answer = self.provider.Create(request, Context())
        outputs, self.secrets = decode(answer.properties)
        if not preview:
            self.id, self.inputs, self.outputs = answer.id, inputs, outputs
        return outputs

    def update(self, news: Properties, preview: bool = False) -> Properties:
        """Check and update; record the result unless it is a preview."""
        inputs = self.check(news)
        request = provider_pb2.UpdateRequest(
            id=self.id,
            urn=self.urn,
            olds=encode(self.outputs),
            old_inputs=encode(self.inputs),
            news=encode(inputs),
            preview=preview,
        )
        answer = self.provider.Update(request, Context())
        outputs, self.secrets = decode(answer.properties)
        if not preview:
            self.inputs, self.outputs = inputs, outputs
        return outputs

    def read(self) -> tuple[str, Properties, Properties]:
        """Return id, inputs and outputs as they are now; an empty id when it is gone."""
        request = provider_pb2.ReadRequest(
            id=self.id,
            urn=self.urn,
            properties=encode(self.outputs),
            inputs=encode(self.inputs),
        )
        answer = self.provider.Read(request, Context())
        return answer.id, decode(answer.inputs)[0], decode(answer.properties)[0]

    def cancel(self) -> None:
        """Cancel what runs and what follows, as the engine does on an interrupt."""
        self.provider.Cancel(empty_pb2.Empty(), Context())

    def delete(self) -> None:
        """Delete it; the record stays, so that it can be deleted again."""
        request = provider_pb2.DeleteRequest(
            id=self.id,
            urn=self.urn,
            properties=encode(self.outputs),
            old_inputs=encode(self.inputs),
        )
        self.provider.Delete(request, Context())
