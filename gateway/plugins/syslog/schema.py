# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``syslog``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.plugins.logging.fields import LogFields

Severity = Literal["debug", "info", "notice", "warning", "err", "crit", "alert", "emerg"]
Facility = Literal[
    "auth",
    "authpriv",
    "cron",
    "daemon",
    "ftp",
    "kern",
    "lpr",
    "mail",
    "news",
    "syslog",
    "user",
    "uucp",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
]


def _severity(of: str) -> Any:
    return Field(default="info", description=f"The severity of {of}.")


class Config(LogFields):
    """Write an entry for each request to the system's log, as JSON.

    That is the socket `/dev/log`, and UDP port 514 of this machine where there is none.
    """

    log_level: Severity = Field(
        default="info",
        description="The least important severity that is written: entries of a less important "
        "one are not.",
    )
    successful_severity: Severity = _severity("responses below 400")
    client_errors_severity: Severity = _severity("responses from 400 to 499")
    server_errors_severity: Severity = _severity("responses from 500 on")
    facility: Facility = Field(
        default="user", description="The facility, by which the system's log sorts."
    )
