# SPDX-License-Identifier: Apache-2.0
"""Balancing: which target of an upstream gets a request, and which of them are healthy."""
