# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``acl``: which groups a request has, and whether they may pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.http.generated_responses import error_response
from gateway.http.headers import spellings
from gateway.http.messages import Request, Response
from gateway.plugins.authentication import without
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.consumers import header_value

_REFUSED = "You cannot consume this service"
_UNKNOWN = "Unauthorized"
_CONSUMER = b"x-consumer-groups"
_AUTHENTICATED = b"x-authenticated-groups"
_BOTH = frozenset(spellings(_CONSUMER)) | frozenset(spellings(_AUTHENTICATED))


class _Verdict(NamedTuple):
    passes: bool
    groups: bytes
    """The value of the header that names them."""
    any: bool
    """Whether there are any."""


class AccessList(Handler):
    """Names are compared exactly. The rules are those of Kong 3.10 (``acl/handler.lua``).

    One is newer: an identity without groups is in no group, so ``deny`` lets it pass.
    """

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._allows = bool(config.allow)
        self._named = frozenset(config.allow or config.deny)
        self._consumers = context.consumers
        self._always_authenticated = config.always_use_authenticated_groups
        self._with_consumer_groups = config.include_consumer_groups
        self._hides = config.hide_groups_header
        self._verdicts: dict[str, _Verdict] = {}

    def access(self, request: Request) -> Response | None:
        """Let pass or refuse; tell the upstream the groups."""
        consumer, known = request.consumer, request.credential is not None
        authenticated = request.authenticated_groups
        header = _CONSUMER
        if authenticated is not None and (
            consumer is None or not known or self._always_authenticated
        ):
            header = _AUTHENTICATED
            verdict = self._judge(authenticated)
        elif consumer is not None:
            verdict = self._of_consumer(request)
        elif self._with_consumer_groups and request.consumer_groups:
            verdict = self._judge([group["name"] for group in request.consumer_groups])
        else:
            verdict = self._judge(())
        if consumer is None and not known and authenticated is None:
            return error_response(401, _UNKNOWN, request)
        if not verdict.passes:
            nobody = not known and not verdict.any
            status, text = (401, _UNKNOWN) if nobody else (403, _REFUSED)
            return error_response(status, text, request)
        headers = without(request.headers, _BOTH)
        request.headers = headers if self._hides else [*headers, (header, verdict.groups)]
        return None

    def _of_consumer(self, request: Request) -> _Verdict:
        consumer = request.consumer
        if self._with_consumer_groups and request.consumer_groups is not None:
            # These come with the request, so the verdict is for it alone.
            return self._judge(self._groups(request))
        found = self._verdicts.get(consumer["id"])
        if found is None:
            found = self._verdicts[consumer["id"]] = self._judge(self._groups(request))
        return found

    def _groups(self, request: Request) -> list[str]:
        groups = list(self._consumers.acl_groups(request.consumer))
        if self._with_consumer_groups:
            groups += [group["name"] for group in self._consumers.groups_of(request)]
        return list(dict.fromkeys(groups))

    def _judge(self, groups: Sequence[str]) -> _Verdict:
        found = not self._named.isdisjoint(groups)
        return _Verdict(found is self._allows, header_value(", ".join(groups)), bool(groups))
