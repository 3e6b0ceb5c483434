# SPDX-License-Identifier: Apache-2.0
"""What a resource type is: the contract between the servicer and the files in ``resources/``.

Resources see plain values; the servicer unwraps and wraps secrets. Every method may be called
from several threads at once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from gateway.errors import ResourceError
from provider.diff import Change
from provider.engine_log import EngineLog
from provider.fields import Field, Problem, check_fields
from provider.values import Path, Properties


@dataclass(frozen=True)
class Call:
    """One call about one resource.

    ``secrets`` are the paths known to be secret in its inputs; ``timeout`` is the user's
    ``custom_timeouts`` in seconds, or 0.
    """

    urn: str
    log: EngineLog
    cancelled: threading.Event = field(default_factory=threading.Event)
    secrets: frozenset[Path] = frozenset()
    timeout: float = 0.0
    preview: bool = False
    id: str = ""

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

    def info(self, message: str) -> None:
        """Tell the user something about this resource."""
        self.log.info(self.urn, message)

    def warn(self, message: str) -> None:
        """Warn the user about this resource."""
        self.log.warning(self.urn, message)

    def warn_away(self, problem: ResourceError) -> None:
        """Warn that an endpoint cannot be asked, once for all the resources on it."""
        self.log.shared_warning(self.urn, f"{problem}; what is recorded of it is kept")


@dataclass(frozen=True)
class State:
    """What is recorded about a resource: its id, inputs and outputs (inputs included)."""

    id: str
    inputs: Properties
    outputs: Properties


class Resource(ABC):
    """One resource type; stateless, one instance serves all resources of the type."""

    token: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]
    secrets: ClassVar[tuple[Path, ...]] = ()
    """Inputs and outputs that are secret whatever the program says."""
    delete_before_replace: ClassVar[bool] = False

    def check(
        self, call: Call, olds: Properties, news: Properties
    ) -> tuple[Properties, list[Problem]]:
        """Return the inputs with defaults, and what is wrong with them by property path."""
        inputs, problems = check_fields(self.fields, news)
        if not problems:
            problems = self.check_more(call, olds, inputs)
        return inputs, problems

    def check_more(self, call: Call, olds: Properties, inputs: Properties) -> list[Problem]:
        """What is wrong beyond single fields; the inputs are sound in themselves."""
        return []

    @abstractmethod
    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Return what differs from ``news``: in the recorded inputs, and in the world."""

    @abstractmethod
    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make it, or adopt it; return id and outputs. At preview nothing is touched."""

    @abstractmethod
    def read(self, call: Call, state: State) -> State | None:
        """Return how it is now, or None when it is gone."""

    @abstractmethod
    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Bring it to ``news``; return the outputs. At preview nothing is touched."""

    @abstractmethod
    def delete(self, call: Call, state: State) -> None:
        """Remove it; one that is gone already is a success."""
