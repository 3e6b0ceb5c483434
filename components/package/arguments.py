# SPDX-License-Identifier: Apache-2.0
"""Arguments of a component, read and refused as a stack's configuration is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi

from components.config.reader import ConfigReader
from provider.declaration import property_name


class ComponentArguments(ConfigReader):
    """A reader whose keys are a component's arguments; problems name the argument.

    ``keys`` maps each argument to the config key that has its checks and default, ``given`` to its
    value; ``fixed`` are further keys that say what the component is for.
    """

    def __init__(
        self, component: str, keys: Mapping[str, str], given: Mapping[str, Any], **fixed: str
    ) -> None:
        self._component = component
        self._arguments = {key: property_name(argument) for argument, key in keys.items()}
        values = {
            key: _text(given[argument])
            for argument, key in keys.items()
            if given.get(argument) is not None
        }
        super().__init__(pulumi.get_stack(), {**fixed, **values})

    def done(self) -> None:
        """Raise ``pulumi.RunError`` with every problem, one a line."""
        if self.problems:
            lines = "\n".join(f"  {problem}" for problem in self.problems)
            raise pulumi.RunError(f"{self._component} cannot be made:\n{lines}")

    def _note(self, key: str, text: str) -> None:
        """Keep a problem of a key under the name of its argument."""

        def renamed(found: re.Match[str]) -> str:
            return self._arguments.get(found[0], found[0])

        names = r"\b(?:" + "|".join(map(re.escape, self._arguments)) + r")\b"
        super()._note(re.sub(names, renamed, key, count=1), re.sub(names, renamed, text))


def _text(value: Any) -> str:
    """Return a value as the engine hands one of the configuration over; 3.0 of the wire is 3."""
    return value if isinstance(value, str) else json.dumps(_whole(value))


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
