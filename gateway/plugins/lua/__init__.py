# SPDX-License-Identifier: Apache-2.0
"""Lua of configurations, shut in: the sandbox, its values, and what it may ask of a request."""
