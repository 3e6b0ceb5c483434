# SPDX-License-Identifier: Apache-2.0
"""Lua of configurations, shut in: the sandbox, its values, and what it may ask of a request."""

SHARED = "lua_shared"
"""In a request's context: ``kong.ctx.shared``, of all plugins."""
