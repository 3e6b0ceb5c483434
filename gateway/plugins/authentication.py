# SPDX-License-Identifier: Apache-2.0
"""What all plugins that authenticate share: who passes, who passes as anonymous, who is refused.

The rules are those of Kong's plugins (``kong/plugins/key-auth/handler.lua`` of 3.10). Without
``anonymous`` a plugin must succeed itself, whatever others found: with two such plugins a request
needs both proofs, and the last one says whose it is. With ``anonymous`` one proof is enough: a
request that another plugin has authenticated passes untouched, and one without a valid proof
passes as the anonymous consumer, which is no credential: a later plugin may still find one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from gateway.errors import ReleaseRefused
from gateway.http.generated_responses import error_response
from gateway.http.headers import IDENTITY, Headers
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import AccessResult, Handler, PluginContext
from gateway.plugins.consumers import Identity
from gateway.plugins.order import Place

_log = get_logger("gateway.authentication")


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is not let pass; make those that are always the same once.

    ``message`` is what the client reads. ``reason`` is what the log says: it may tell more, but
    holds no secret and nothing that a client chooses. ``absent``: nothing was shown at all, which
    needs no line in the log where the anonymous consumer stands in.
    """

    message: str
    reason: str
    status: int = 401
    headers: tuple[tuple[bytes, bytes], ...] = ()
    absent: bool = False


Found = Identity | Denial


class AuthenticationHandler(Handler):
    """Finds out who sends a request. Raises ``ReleaseRefused`` without its anonymous consumer.

    Override ``authenticate`` and ``hide``; ``name`` is the plugin's, for log and errors.
    """

    name = ""
    strips = IDENTITY
    """Names of the headers that only the plugin sets for whom it knows, in every spelling."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._on_preflight = getattr(config, "run_on_preflight", True)
        self._hides: bool = getattr(config, "hide_credentials", False)
        self._anonymous: Identity | None = None
        if config.anonymous:
            self._anonymous = context.consumers.anonymous(config.anonymous)
            if self._anonymous is None:
                raise ReleaseRefused([f"{self.name}: there is no consumer {config.anonymous!r}"])

    def authenticate(self, request: Request) -> Found | Awaitable[Found]:
        """Return who it is, or why that is not known; awaitable where somebody must be asked."""
        raise NotImplementedError

    def hide(self, request: Request) -> None:
        """Take the proof out of the request; called where ``hide_credentials`` says so.

        That is for each request that passes, also as anonymous or by another plugin's proof: what
        is refused here may be good elsewhere.
        """

    def denied(self, request: Request, denial: Denial) -> Response:
        """Return the response for a request that does not pass."""
        return error_response(denial.status, denial.message, request, denial.headers)

    def access(self, request: Request) -> AccessResult:
        """Let a known caller's request pass, with headers that say whose it is; refuse others."""
        if self._anonymous is not None and request.credential is not None:
            self._pass(request)
            return None
        if not self._on_preflight and request.method == b"OPTIONS":
            self._pass(request)
            return None
        found = self.authenticate(request)
        if type(found) is Identity:
            if self._hides:
                self._take_out(request)
            found.put_on(request, self.strips)
            return None
        if isawaitable(found):
            return self._later(request, found)
        return self._conclude(request, found)

    def _pass(self, request: Request) -> None:
        if self._hides:
            self._take_out(request)

    def _take_out(self, request: Request) -> None:
        if request.hiding is None:
            self.hide(request)
        else:
            request.hiding.append(self.hide)

    @property
    def hides(self) -> bool:
        """Whether proofs are taken out."""
        return self._hides

    async def _later(self, request: Request, waiting: Awaitable[Found]) -> Response | None:
        return self._conclude(request, await waiting)

    def _conclude(self, request: Request, found: Any) -> Response | None:
        strips = self.strips
        if isinstance(found, Denial):
            if not (found.absent and self._anonymous):
                self._tell(request, found)
            if self._anonymous is None:
                return self.denied(request, found)
            found, strips = self._anonymous, IDENTITY
        # Anything but an identity raises here, which is a 500: nobody passes by a mistake of ours.
        assert type(found) is Identity
        self._pass(request)
        found.put_on(request, strips)
        return None

    def _tell(self, request: Request, denial: Denial) -> None:
        _log.info(
            "not authenticated",
            plugin=self.name,
            reason=denial.reason,
            client=request.client_ip,
            **named(request),
        )


class _KeepForAll(Handler):
    """Runs before the first of several handlers that authenticate: what one would hide stays."""

    def __init__(self) -> None:
        """Need neither configuration nor context."""

    def access(self, request: Request) -> None:
        request.hiding = []


class _HideAtLast(Handler):
    """Runs behind the last of them."""

    def __init__(self) -> None:
        """Need neither configuration nor context."""

    def access(self, request: Request) -> None:
        hiding, request.hiding = request.hiding, None
        own = request.own_headers
        # What a plugin has set since, a token for the upstream say, is nobody's proof.
        kept = [pair for pair in request.headers if pair[0] in own]
        if hiding and kept:
            request.headers = without(request.headers, own)
        for hide in hiding or ():
            hide(request)
        if hiding and kept:
            request.headers = request.headers + kept


def hiding_at_last(placed: Sequence[tuple[Place, Handler]]) -> list[tuple[Place, Handler]]:
    """Return a chain's handlers, in order, so that one hides no proof that another looks for.

    Two plugins may take the same token: what is none for the first may be good for the second.
    """
    found = list(placed)
    proving = [
        number for number, (_, one) in enumerate(found) if isinstance(one, AuthenticationHandler)
    ]
    if len(proving) < 2 or not any(getattr(found[number][1], "hides", 0) for number in proving):
        return found
    first, last = found[proving[0]][0], found[proving[-1]][0]
    # Between the places of plugins, whose names are neither empty nor end so.
    found.insert(proving[-1] + 1, ((last[0], ""), _HideAtLast()))
    found.insert(proving[0], ((first[0], first[1] + "~"), _KeepForAll()))
    return found


def challenge(scheme: str, realm: str | None) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header WWW-Authenticate of a refusal (RFC 9110 section 11.6.1)."""
    value = scheme if realm is None else f'{scheme} realm="{quoted(realm)}"'
    return ((b"WWW-Authenticate", value.encode()),)


def quoted(text: str) -> str:
    """Return a text for between double quotes in a header: what would end it is replaced."""
    plain = "".join(" " if ord(sign) < 32 or ord(sign) == 127 else sign for sign in text)
    return plain.replace("\\", "'").replace('"', "'")


def without(headers: Headers, names: frozenset[bytes]) -> Headers:
    """Return headers without those of these names, which are in lower case."""
    return [pair for pair in headers if pair[0] not in names]
