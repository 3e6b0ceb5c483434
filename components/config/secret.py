# SPDX-License-Identifier: Apache-2.0
"""Secret values: one of the configuration that does not show itself, and one of a resource."""

from __future__ import annotations

import pulumi


class Secret:
    """Holds a secret text; its repr hides it and ``output`` hands it on as a secret Output."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return bool(self._value)

    def output(self) -> pulumi.Output[str]:
        """Return the value as a secret Output."""
        return secret(self._value)


def secret(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return ``value`` as a secret Output, whatever it was before."""
    return pulumi.Output.secret(value)
