# SPDX-License-Identifier: Apache-2.0
"""The SDK's protocol messages without the SDK around them.

``import pulumi.runtime.proto`` runs the whole of ``import pulumi`` first: three quarters of the
time that a plugin takes to start, for nothing that it uses. Only for processes that need the
messages and nothing else.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def expose_protocol_only() -> None:
    """Make ``pulumi`` and ``pulumi.runtime`` bare packages, before the messages are imported."""
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        return
    folder = spec.submodule_search_locations[0]
    for name, path in (("pulumi", folder), ("pulumi.runtime", f"{folder}/runtime")):
        bare = types.ModuleType(name)
        bare.__path__ = [path]
        sys.modules[name] = bare
