# SPDX-License-Identifier: Apache-2.0
"""Telling addresses from names."""

from __future__ import annotations

from ipaddress import ip_address


def is_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address, without brackets or port."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
