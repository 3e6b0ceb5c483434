# SPDX-License-Identifier: Apache-2.0
"""How a resource type is implemented: the contract of the servicer and ``resources/``.

Resources see plain values; the servicer unwraps and wraps secrets. Every method may be called
from several threads at once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gateway.errors import ResourceError
from gateway.names.property_paths import PropertyPath
from provider.declaration import ResourceType
from provider.diff import PropertyChange
from provider.engine_log import EngineLog
from provider.fields import Problem, check_fields
from provider.values import UNKNOWN, Properties, is_known


@dataclass(frozen=True)
class ResourceCall:
    """One call about one resource.

    ``secrets`` are the paths known to be secret in its inputs.
    """

    urn: str
    log: EngineLog
    cancelled: threading.Event = field(default_factory=threading.Event)
    secrets: frozenset[PropertyPath] = frozenset()
    preview: bool = False
    noted: dict[tuple[str, Any], str] = field(default_factory=dict)
    """What the resources of one operation note for one another: kind and thing, to a URN."""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        """``project/stack``, unique in one backend."""
        parts = self.urn.split("::")
        return f"{parts[1]}/{parts[0].rpartition(':')[2]}" if len(parts) > 2 else ""

    @property
    def derived_id(self) -> str:
        """An id from stack and name: a create that was interrupted finds its own work again."""
        return f"{self.stack}/{self.name}"

    def warn(self, message: str) -> None:
        """Log a warning about this resource."""
        self.log.warning(self.urn, message)

    def warn_unreachable(self, problem: ResourceError) -> None:
        """Warn that an endpoint cannot be asked, once for all the resources on it."""
        self.log.shared_warning(self.urn, f"{problem}; what is recorded of it is kept")


@dataclass(frozen=True)
class State:
    """What is recorded about a resource: its id, inputs and outputs (inputs included)."""

    id: str
    inputs: Properties
    outputs: Properties


class Resource(ABC):
    """The implementation of one resource type; stateless, one instance serves all resources.

    ``diff`` and ``read`` keep what is recorded, and warn, when the endpoint that manages the
    resource is unreachable.
    """

    schema: ClassVar[type[ResourceType]]
    import_refusal: ClassVar[str] = ""
    """Why a resource that is not recorded cannot be read: the error text."""
    delete_before_replace: ClassVar[bool] = False

    def check(
        self, call: ResourceCall, olds: Properties, news: Properties
    ) -> tuple[Properties, list[Problem]]:
        """Return the inputs with defaults, and what is wrong with them by property path."""
        inputs, problems = check_fields(self.schema.inputs, news)
        if not problems:
            problems = self.check_resource(olds, inputs)
        return inputs, problems

    def check_resource(self, olds: Properties, inputs: Properties) -> list[Problem]:
        """What is wrong beyond single fields; the inputs are sound in themselves."""
        return []

    def diff(self, call: ResourceCall, state: State, news: Properties) -> list[PropertyChange]:
        """Return what differs from ``news``: in the recorded inputs, and in the world."""
        edits = self.edits(state, news)
        if any(edit.replace for edit in edits) or not self.has_known_endpoint(news):
            return edits
        try:
            return edits + self.drift(call, state, news, edits)
        except ResourceError as problem:
            call.warn_unreachable(problem)
            return edits

    @abstractmethod
    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Return what the program changes in the recorded inputs."""

    def has_known_endpoint(self, news: Properties) -> bool:
        """Whether enough is known of ``news`` to look for drift."""
        return is_known(news)

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """Return what differs from ``news`` in the world and is not among ``edits``."""
        return []

    def create(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Create it, or adopt it; return id and outputs. At preview nothing is touched."""
        return ("", self.with_unknown_outputs(inputs)) if call.preview else self.make(call, inputs)

    def with_unknown_outputs(self, inputs: Properties) -> Properties:
        """Return what a preview knows of the outputs before they are computed."""
        return {**self.schema.recorded(inputs), **dict.fromkeys(self.schema.outputs, UNKNOWN)}

    @abstractmethod
    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Create it, or adopt it; return id and outputs."""

    def read(self, call: ResourceCall, state: State) -> State | None:
        """Return how it is now, or None when it is gone."""
        if not (state.inputs and state.outputs):
            return self.import_existing(state.id)
        try:
            return self.refresh(state)
        except ResourceError as problem:
            call.warn_unreachable(problem)
            return state

    def import_existing(self, identity: str) -> State | None:
        """Return what there is by this id, or None; ResourceError where nothing can be imported."""
        raise ResourceError(self.import_refusal)

    def refresh(self, state: State) -> State | None:
        """Return how it is now, or None when it is gone; by default it is only in the state."""
        return state

    @abstractmethod
    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Bring it to ``news``; return the outputs. At preview nothing is touched."""

    def delete(self, call: ResourceCall, state: State) -> None:  # noqa: B027 - a default, not a gap
        """Remove it; one that is gone already is a success. By default it is only in the state."""
