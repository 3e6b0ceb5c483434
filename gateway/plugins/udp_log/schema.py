# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``udp-log``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.entities.types import ConnectHost, ConnectPort
from gateway.plugins.logging.fields import LogFields


class Config(LogFields):
    """Send a datagram for each request, with the entry as JSON.

    An entry of more than 65,507 bytes fits into no datagram: it is dropped and counted. One that is
    larger than the network takes at once (about 1,400 bytes) is sent in fragments, which fewer
    networks carry. Datagrams may be lost on the way, and nobody notices.
    """

    host: ConnectHost = Field(description="The host that datagrams are sent to.")
    port: ConnectPort = Field(description="The port that datagrams are sent to.")
    timeout: Annotated[float, Field(gt=0)] = Field(
        default=10000, description="How long looking up the host may take, in milliseconds."
    )
