# SPDX-License-Identifier: Apache-2.0
"""What a token's claims must be: times, issuer, scopes, audience, groups, roles."""

from __future__ import annotations

from typing import Any, NamedTuple

from gateway.plugins.tokens.claims import Claims, Required, at, seconds, words
from gateway.plugins.tokens.verified import ALWAYS


class Span(NamedTuple):
    """From when until when a token is good, in seconds since 1970, or what is wrong with it."""

    begins: float = -ALWAYS
    ends: float = ALWAYS
    problem: str = ""


class Rules:
    """Made once of a configuration."""

    def __init__(self, config: Any) -> None:
        self._verifies = config.verify_claims
        self._leeway = config.leeway
        self._max_age = config.max_age
        self._issuers = frozenset(config.issuers_allowed or ())
        self._domains = frozenset(config.domains or ())
        self._forbidden = config.claims_forbidden or ()
        self._required = [
            ("scope", Required(config.scopes_claim, config.scopes_required)),
            ("audience", Required(config.audience_claim, config.audience_required)),
            ("group", Required(config.groups_claim, config.groups_required)),
            ("role", Required(config.roles_claim, config.roles_required)),
        ]

    def is_issuer(self, claims: Claims, issuer: str) -> bool:
        """Tell whether a token is the provider's, or of an issuer that is allowed beside it."""
        named = claims.get("iss")
        if not self._verifies:
            return True
        return isinstance(named, str) and (named == issuer or named in self._issuers)

    def span(self, claims: Claims, now: float, *, must_end: bool) -> Span:
        """Return when a token is good; it is now unless ``problem`` says why not.

        ``must_end``: a token without ``exp`` is not good.
        """
        if not self._verifies:
            return Span()
        times: dict[str, float] = {}
        for name in ("exp", "nbf", "iat", "auth_time"):
            if claims.get(name) is not None:
                value = seconds(claims[name])
                if value is None:
                    return Span(problem=f"the claim {name} is no time")
                times[name] = value
        if must_end and "exp" not in times:
            return Span(problem="the claim exp is missing")
        if self._max_age is not None and "auth_time" not in times:
            return Span(problem="the claim auth_time is missing")
        leeway = self._leeway
        begins = max(times.get("nbf", -ALWAYS), times.get("iat", -ALWAYS)) - leeway
        ends = times.get("exp", ALWAYS) + leeway
        if self._max_age is not None:
            ends = min(ends, times["auth_time"] + self._max_age + leeway)
        if now < begins:
            return Span(problem="the token is not good yet")
        if now >= ends:
            return Span(problem="the token has expired")
        return Span(begins, ends)

    def refusal(self, claims: Claims) -> tuple[str, bool] | None:
        """Return why whoever has these claims may not pass, and whether scopes are the reason."""
        if self._domains and self._domains.isdisjoint(words(at(claims, ["hd"]))):
            return "the claim hd has none of the allowed values", False
        for name in self._forbidden:
            if name in claims:
                return f"the claim {name} is forbidden", False
        for name, required in self._required:
            if not required.is_met(claims):
                return f"the token has no {name} that is required", name == "scope"
        return None
