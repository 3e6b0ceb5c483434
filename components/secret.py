# SPDX-License-Identifier: Apache-2.0
"""Marks values that must never show."""

from __future__ import annotations

import pulumi


def secret(value: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return ``value`` as a secret Output, whatever it was before."""
    return pulumi.Output.secret(value)
