# SPDX-License-Identifier: Apache-2.0
"""The settings of a control plane's page beyond where it listens."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings.declaration import setting
from gateway.settings.parsers import plain


@dataclass(frozen=True)
class PageSettings:
    """Whose records the page shows: those of one Kafka, with a key that may read."""

    # The page of a control plane.
    page_kafka: str | None = setting(plain, "", own=True)
    """Kafka whose topics the page shows to admins, as host:port, several by commas; empty: it
    shows none. By TLS."""
    page_kafka_user: str | None = setting(plain, "", own=True)
    """User or API key to read with (SASL PLAIN); empty: none."""
    page_kafka_password_file: str | None = setting(plain, "", own=True)
    """A file with its password or API secret, read anew each time."""
    page_kafka_ca: str | None = setting(plain, "", own=True)
    """A file with the brokers' authority; empty: the system's."""
