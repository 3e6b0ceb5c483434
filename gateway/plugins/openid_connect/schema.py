# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``openid-connect``, with the fields of Kong 3.10 to 3.15 (its reference)."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from gateway.entities.base import StrictModel, violation
from gateway.plugins.openid_connect.fields import SERVED, field, has_effect
from gateway.plugins.openid_connect.login_fields import LoginFields, SessionFields
from gateway.plugins.openid_connect.provider_fields import (
    CacheFields,
    ClientFields,
    HttpFields,
    IntrospectionFields,
    IssuerFields,
    TokenEndpointFields,
)
from gateway.plugins.openid_connect.token_fields import (
    AnswerFields,
    AuthorizationFields,
    HeaderFields,
    IdentityFields,
    MethodFields,
    VerificationFields,
)

_MUST_BE = {
    "search_user_info": (False, "the user info endpoint is not asked; set it to false"),
    "resolve_distributed_claims": (False, "distributed claims are not fetched; set it to false"),
    "introspection_accept": ("application/json", "only application/json is served"),
    "dpop_use_nonce": (False, "proofs are not asked for with a nonce; set it to false"),
    "proof_of_possession_mtls_from_header": (
        None,
        "certificates count only from the TLS connection; leave it out",
    ),
    "token_exchange": (None, "tokens are not exchanged; leave it out"),
}
"""Fields that would be a promise if they were accepted with another value."""
_PAIRS = (
    ("discovery_headers_names", "discovery_headers_values"),
    ("introspection_headers_names", "introspection_headers_values"),
    ("introspection_post_args_names", "introspection_post_args_values"),
    ("token_headers_names", "token_headers_values"),
    ("token_post_args_names", "token_post_args_values"),
    ("upstream_headers_names", "upstream_headers_claims"),
    ("downstream_headers_names", "downstream_headers_claims"),
)


class OpenIdPrincipals(StrictModel):
    """Kong Identity in place of consumers; accepted while it is off."""

    enabled: bool = field(False, "Must be false: Kong Identity cannot be asked from here.")
    directory: str = field("default", "The directory that would be asked; without effect.")
    error_on_miss: bool = field(True, "Whether an unknown caller is an error; without effect.")


class Config(
    SessionFields,
    LoginFields,
    AnswerFields,
    CacheFields,
    HttpFields,
    HeaderFields,
    IdentityFields,
    AuthorizationFields,
    VerificationFields,
    IntrospectionFields,
    TokenEndpointFields,
    ClientFields,
    MethodFields,
    IssuerFields,
):
    """Ask each request for a token of an OpenID provider."""

    principals: OpenIdPrincipals | None = field(
        None, "Kong Identity in place of consumers; it must be off."
    )
    token_exchange: dict[str, Any] | None = field(
        None, "Tokens of other issuers that are exchanged; it must not be set."
    )

    def warnings(self) -> list[str]:
        """Return what is accepted and not done, and what lets pass more than it seems to."""
        found = []
        passed = sorted(set(self.auth_methods) - SERVED)
        if passed:
            found.append(
                f"auth_methods: {', '.join(passed)} are not served; name those of "
                f"{', '.join(sorted(SERVED))} that callers use"
            )
        found += [
            f"{name}: anybody can make a token that passes; set it to true"
            for name in ("verify_signature", "verify_claims")
            if not getattr(self, name)
        ]
        fields = type(self).model_fields.items()
        defaults = {
            name: made.get_default(call_default_factory=True)
            for name, made in fields
            if not has_effect(made)
        }
        idle = [name for name, default in defaults.items() if getattr(self, name) != default]
        if idle:
            found.append(f"{', '.join(idle)}: without effect here; leave out what is not needed")
        return found

    @model_validator(mode="after")
    def _check(self) -> Config:
        wrong: dict[str, str] = {}
        if SERVED.isdisjoint(self.auth_methods):
            wrong["auth_methods"] = (
                "logins, sessions and passwords are not served here; name at least one of "
                + ", ".join(sorted(SERVED))
            )
        for name, (allowed, text) in _MUST_BE.items():
            if getattr(self, name) != allowed:
                wrong[name] = text
        if self.principals is not None and self.principals.enabled:
            wrong["principals"] = "Kong Identity cannot be asked from here; set enabled to false"
        if self.http_version not in (1.0, 1.1):
            wrong["http_version"] = "must be 1.0 or 1.1"
        for names, values in _PAIRS:
            if len(getattr(self, names) or ()) != len(getattr(self, values) or ()):
                wrong[values] = f"must have as many entries as {names}"
        if wrong:
            raise violation([], wrong)
        return self
