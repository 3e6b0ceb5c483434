# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``tcp-log``, with the fields of Kong 3.13."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.entities.types import ConnectHost, ConnectPort
from gateway.entities.versions import by_version
from gateway.plugins.logging.fields import LogFields


class Config(LogFields):
    """Send an entry for each request over a TCP connection, a line of JSON each.

    While the server is away entries wait in memory, 10,000 or 32 MiB of them a worker; then the
    oldest are dropped and counted.
    """

    host: ConnectHost = Field(description="The host that entries are sent to.")
    port: ConnectPort = Field(description="The port that entries are sent to.")
    timeout: Annotated[float, Field(gt=0)] = Field(
        default=10000, description="How long connecting or sending may take, in milliseconds."
    )
    keepalive: Annotated[float, Field(ge=0)] = Field(
        default=60000, description="How long an idle connection is kept, in milliseconds."
    )
    tls: bool = Field(default=False, description="Whether the connection uses TLS.")
    tls_sni: ConnectHost | None = Field(
        default=None,
        description="The server name that TLS asks for, and that the certificate must have; the "
        "host when it is not set.",
    )
    ssl_verify: bool = by_version(
        False, True, description="Whether the server's certificate is verified."
    )
