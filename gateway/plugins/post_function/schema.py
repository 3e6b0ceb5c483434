# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``post-function``, with the fields of Kong 3.14 (its schema.lua)."""

from __future__ import annotations

from typing import ClassVar

from gateway.plugins.pre_function.schema import FunctionPhases


class Config(FunctionPhases):
    """Run Lua after all other plugins.

    On a route that produces records `access` is never reached: use `pre-function` there.
    """

    plugin: ClassVar[str] = "post-function"
