# SPDX-License-Identifier: Apache-2.0
"""Requests that the gateway makes for itself: tokens, keys, schemas, secrets. Bounded in time and
memory, and a cache for what they bring that outlives the peer's absence.
"""
