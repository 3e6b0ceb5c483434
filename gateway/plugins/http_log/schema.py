# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``http-log``, with the fields of Kong 3.15."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from gateway.entities.base import Hint, StrictModel
from gateway.entities.types import HeaderName, Uuid, invalid, is_reference
from gateway.entities.versions import by_version
from gateway.names.addresses import url_problem
from gateway.plugins.logging.fields import LogFields, LogQueueSettings
from gateway.plugins.logging.queue import QueueLimits

_OURS = {"host": "Host", "content-length": "Content-Length", "content-type": "Content-Type"}
_TWICE = "specifying both an 'Authorization' header and user info in 'http_endpoint' is not allowed"
_OLD_SIZE, _OLD_TIMEOUT = 1, 2
"""Defaults of the deprecated fields: what has these says nothing."""


def _check_endpoint(value: str) -> str:
    problem = "" if is_reference(value) else url_problem(value, credentials=True, query=True)
    if problem:
        raise invalid(problem)
    return value


class CertificateReference(StrictModel):
    """A certificate of the configuration."""

    id: Uuid = Field(description="The certificate's id.")


class Config(LogFields):
    """Send an entry for each request to an HTTP endpoint, or several together.

    A response below 300 takes the entries; else they are sent again as `queue` says. One entry is
    sent as a JSON object, and as an array where `max_batch_size` is more than 1.
    """

    http_endpoint: Annotated[
        str, AfterValidator(_check_endpoint), Hint(referenceable=True, encrypted=True)
    ] = Field(
        description="The URL that entries are sent to. A user and password in it become a header "
        "Authorization (Basic)."
    )
    method: Literal["POST", "PUT", "PATCH"] = Field(
        default="POST", description="The method of the requests."
    )
    content_type: Literal["application/json", "application/json; charset=utf-8"] = Field(
        default="application/json", description="The Content-Type of the requests."
    )
    timeout: Annotated[float, Field(gt=0)] = Field(
        default=10000, description="How long a request may take, in milliseconds."
    )
    keepalive: float = Field(
        default=60000,
        description="Accepted for compatibility; idle connections are kept as for all requests "
        "that plugins make.",
    )
    headers: dict[HeaderName, Annotated[str, Hint(referenceable=True, encrypted=True)]] | None = (
        Field(
            default=None,
            description="More headers of the requests; not Host, Content-Length or Content-Type.",
        )
    )
    queue: LogQueueSettings = Field(
        default_factory=LogQueueSettings, description="How entries wait for the endpoint."
    )
    ssl_verify: bool = by_version(
        False, True, description="Whether the endpoint's certificate is verified."
    )
    client_certificate: CertificateReference | None = Field(
        default=None, description="The certificate entity that is shown to the endpoint."
    )
    retry_count: int | None = Field(
        default=None, description="Deprecated, without effect: `queue.max_retry_time` decides."
    )
    queue_size: int | None = Field(
        default=None,
        description="Deprecated: in place of `queue.max_batch_size`, where it is not 1.",
    )
    flush_timeout: float | None = Field(
        default=None,
        description="Deprecated: in place of `queue.max_coalescing_delay`, where it is not 2.",
    )

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        for name in headers or ():
            ours = _OURS.get(name.lower())
            if ours is not None:
                raise invalid(f"cannot contain '{ours}' header")
        return headers

    @field_validator("queue_size", "flush_timeout")
    @classmethod
    def _check_deprecated(cls, value: float | None) -> float | None:
        if value is not None and not 0 <= value <= 1000000:
            raise invalid("value should be between 0 and 1000000")
        return value

    @model_validator(mode="after")
    def _check_once(self) -> Config:
        named = "authorization" in {name.lower() for name in self.headers or ()}
        if named and "@" in urlsplit(self.http_endpoint).netloc:
            raise invalid(_TWICE)
        return self

    def warnings(self) -> list[str]:
        """Return what is said of fields that are set without effect, or not for long."""
        names = [
            name
            for name in ("retry_count", "queue_size", "flush_timeout")
            if getattr(self, name) is not None
        ]
        return [f"{name}: deprecated in Kong; use queue instead" for name in names]

    def limits(self) -> QueueLimits:
        """Return the queue's settings, those of deprecated fields included."""
        queue = self.queue
        batch, delay = queue.max_batch_size, queue.max_coalescing_delay
        if self.queue_size not in (None, _OLD_SIZE):
            batch = max(int(self.queue_size or 1), 1)
        if self.flush_timeout not in (None, _OLD_TIMEOUT):
            delay = self.flush_timeout or 0
        return queue.limits(batch, delay)
