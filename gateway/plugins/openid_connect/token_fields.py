# SPDX-License-Identifier: Apache-2.0
"""Fields of ``openid-connect``: where tokens are, what they must say, and what becomes of it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from gateway.entities.base import Hint, StrictModel
from gateway.entities.types import HeaderName, Number, invalid, is_reference
from gateway.entities.versions import by_version
from gateway.names.header_texts import has_control, is_field_name
from gateway.plugins.openid_connect.fields import (
    METHODS,
    Method,
    Path,
    field,
    idle,
)

ByUser = Annotated[list[Literal["custom_id", "id", "username"]], Hint(set=True)]


_URL = re.compile(r"[0-9A-Za-z][0-9A-Za-z+.-]*://(?:[^/?#@]*@)?[^/?#@:]")
"""A scheme and a host, of whatever kind: Kong asks no more of a URL (``typedefs.url``)."""


def _check_text(value: str) -> None:
    """Refuse what no header can carry (RFC 9110 section 5.5): it would begin another line."""
    if has_control(value):
        raise invalid("has a line end or another control character, which no header can have")


def _check_token_header(value: str) -> str:
    """Refuse what is sent in no head; Kong takes any name, and any text behind the colon."""
    _check_text(value)
    name = value.partition(":")[0].strip()
    if not is_field_name(name):
        raise invalid(f"bad header name '{name}'; write authorization:bearer")
    return value


def _check_redirect(value: str) -> str:
    _check_text(value)
    if _URL.match(value) is None and not is_reference(value):
        raise invalid("has no scheme or no host; write https://host/path")
    return value


RedirectUri = Annotated[str, AfterValidator(_check_redirect)]

_OUTER = "Several names lead into nested objects."


class MethodFields(StrictModel):
    """Which proofs are taken, and where they are."""

    auth_methods: Annotated[list[Method], Hint(set=True)] = field(
        [*METHODS],
        "The methods by which callers may prove themselves. Served are `bearer`, `introspection` "
        "and `client_credentials`; the others are passed over, and at least one must be served.",
    )
    ignore_signature: Annotated[
        list[
            Literal[
                "authorization_code",
                "client_credentials",
                "introspection",
                "password",
                "refresh_token",
                "session",
                "userinfo",
            ]
        ],
        Hint(set=True),
    ] = field([], "The methods whose tokens count without a signature.")
    run_on_preflight: bool = field(True, "Whether OPTIONS requests need a token too.")
    bearer_token_param_type: Annotated[
        list[Literal["body", "cookie", "header", "query"]], Hint(set=True)
    ] = field(
        ["body", "header", "query"],
        "Where the token may be: the headers Authorization, Access-Token and X-Access-Token, the "
        "query argument or the field `access_token` of a form or JSON object of 64 KiB at most, "
        "or a cookie.",
    )
    bearer_token_cookie_name: str | None = field(None, "The cookie that may hold the token.")
    bearer_token_header_name: HeaderName | None = field(
        None, "The one header that may hold the token, in place of the three."
    )


class VerificationFields(StrictModel):
    """What is verified of a token."""

    verify_signature: bool = field(True, "Whether signatures are verified.")
    verify_claims: bool = field(
        True, "Whether issuer and times are verified: `iss`, `exp`, `nbf`, `iat`, `auth_time`."
    )
    leeway: Annotated[Number, Field(ge=0)] = field(
        0, "By how many seconds clocks may differ where times are verified."
    )
    enable_hs_signatures: bool = field(
        False, "Whether tokens count that a client's secret has signed (HS256 and so on)."
    )
    max_age: Number | None = field(
        None, "How many seconds may have passed since the time in `auth_time`."
    )
    domains: list[str] | None = field(None, "The values that the claim `hd` may have.")
    claims_forbidden: list[str] | None = field(None, "Claims that no token may have.")
    proof_of_possession_mtls: Literal["off", "optional", "strict"] = field(
        "off",
        "Whether a token must be bound to the caller's TLS certificate (RFC 8705): all must with "
        "`strict`, those that name one with `optional`.",
    )
    proof_of_possession_mtls_from_header: dict[str, Any] | None = field(
        None, "A header that holds the certificate: it must not be set."
    )
    proof_of_possession_dpop: Literal["off", "optional", "strict"] = field(
        "off",
        "Whether a token must come with a proof by the key that it is bound to (RFC 9449): all "
        "must with `strict`, those that name one with `optional`.",
    )
    dpop_use_nonce: bool = field(
        False, "Whether proofs must hold a nonce of the gateway: it must be off."
    )
    dpop_proof_lifetime: Annotated[Number, Field(ge=0)] = field(
        300, "How many seconds a proof is good for."
    )
    proof_of_possession_auth_methods_validation: bool = idle(
        True, "Whether methods without proof of possession are refused beside it."
    )


class AuthorizationFields(StrictModel):
    """What a token must say. Entries are alternatives; in one, all words between blanks."""

    scopes_claim: Path = field(["scope"], f"The claim that holds the scopes. {_OUTER}")
    scopes_required: list[str] | None = field(None, "The scopes that a token must have.")
    audience_claim: Path = field(["aud"], f"The claim that holds the audience. {_OUTER}")
    audience_required: list[str] | None = field(None, "The audience that a token must have.")
    groups_claim: Path = field(["groups"], f"The claim that holds the groups. {_OUTER}")
    groups_required: list[str] | None = field(None, "The groups that a token must name.")
    roles_claim: Path = field(["roles"], f"The claim that holds the roles. {_OUTER}")
    roles_required: list[str] | None = field(None, "The roles that a token must name.")
    authenticated_groups_claim: Path | None = field(
        None, f"The claim whose groups count for the plugin `acl`. {_OUTER}"
    )
    search_user_info: bool = field(
        False, "Whether claims are looked for in the provider's user info too: it must be off."
    )
    resolve_distributed_claims: bool = field(
        False, "Whether claims are fetched that a token only points to: it must be off."
    )


class IdentityFields(StrictModel):
    """Whose a token is."""

    consumer_claims: list[Path] | None = field(
        None, f"The claims by which the consumer is found: the first that is there. {_OUTER}"
    )
    consumer_claim: Path | None = field(None, f"The claim by which the consumer is found. {_OUTER}")
    consumer_by: ByUser = field(
        ["custom_id", "username"], "The fields of consumers that the claim is compared with."
    )
    consumer_optional: bool = field(False, "Whether a token passes for which there is no consumer.")
    by_username_ignore_case: bool = field(
        False, "Whether user names are compared without regard to case."
    )
    credential_claim: Path = field(
        ["sub"], f"The claim that stands for the credential, to count requests by. {_OUTER}"
    )
    consumer_groups_claim: Path | None = field(
        None, f"The claim that names the caller's consumer groups. {_OUTER}"
    )
    consumer_groups_optional: bool = field(
        False, "Whether a token passes that names a consumer group which is not there, or none."
    )
    anonymous: str | None = field(
        None,
        "The id or user name of the consumer as whom requests without a valid token pass; "
        "without it they are refused.",
    )


class ClaimHeader(StrictModel):
    """A header that holds a claim."""

    header: HeaderName = field(..., "The header that is set.")
    path: Annotated[Path, Field(min_length=1)] = field(..., f"The claim. {_OUTER}")


class HeaderFields(StrictModel):
    """Which headers tell upstream and caller what a token says."""

    # How files of Kong say that no header is set.
    meant_nulls = frozenset({"upstream_access_token_header"})

    upstream_access_token_header: Annotated[str, AfterValidator(_check_token_header)] | None = (
        field(
            "authorization:bearer",
            "The header in which the upstream gets the token, `:bearer` behind it for the word "
            "Bearer before the token. Null: in none.",
        )
    )
    upstream_access_token_jwk_header: HeaderName | None = idle(
        None, "The header for the key that has signed the token."
    )
    upstream_headers: list[ClaimHeader] | None = field(
        None, "Headers in which the upstream gets claims; those that a caller sends are removed."
    )
    upstream_headers_claims: list[str] | None = field(
        None, "Claims, outermost ones, that the upstream gets."
    )
    upstream_headers_names: list[HeaderName] | None = field(
        None, "The headers in which it gets them, by position."
    )
    upstream_introspection_header: HeaderName | None = field(
        None, "The header in which the upstream gets the response of introspection, in base64."
    )
    upstream_introspection_jwt_header: HeaderName | None = idle(
        None, "The header for a response of introspection that is a token."
    )
    upstream_id_token_header: HeaderName | None = idle(None, "The header for the id token.")
    upstream_id_token_jwk_header: HeaderName | None = idle(None, "The header for its key.")
    upstream_refresh_token_header: HeaderName | None = idle(
        None, "The header for the refresh token."
    )
    upstream_session_id_header: HeaderName | None = idle(None, "The header for the session's id.")
    upstream_user_info_header: HeaderName | None = idle(None, "The header for the user info.")
    upstream_user_info_jwt_header: HeaderName | None = idle(
        None, "The header for user info that is a token."
    )
    downstream_headers_claims: list[str] | None = field(
        None, "Claims, outermost ones, that the caller gets."
    )
    downstream_headers_names: list[HeaderName] | None = field(
        None, "The headers in which it gets them, by position."
    )
    downstream_access_token_header: str | None = idle(None, "The header for the token.")
    downstream_access_token_jwk_header: HeaderName | None = idle(None, "The header for its key.")
    downstream_id_token_header: str | None = idle(None, "The header for the id token.")
    downstream_id_token_jwk_header: HeaderName | None = idle(None, "The header for its key.")
    downstream_introspection_header: HeaderName | None = idle(
        None, "The header for the response of introspection."
    )
    downstream_introspection_jwt_header: HeaderName | None = idle(
        None, "The header for such a response that is a token."
    )
    downstream_refresh_token_header: HeaderName | None = idle(
        None, "The header for the refresh token."
    )
    downstream_session_id_header: HeaderName | None = idle(None, "The header for the session's id.")
    downstream_user_info_header: HeaderName | None = idle(None, "The header for the user info.")
    downstream_user_info_jwt_header: HeaderName | None = idle(
        None, "The header for user info that is a token."
    )


class AnswerFields(StrictModel):
    """What callers get who do not pass."""

    hide_credentials: bool = by_version(
        False,
        True,
        description="Whether tokens and client credentials are taken out of the places where they "
        "were found. `upstream_access_token_header` still holds the token.",
    )
    display_errors: bool = field(False, "Whether refusals say the reason.")
    expose_error_code: bool = field(
        True, "Whether the header WWW-Authenticate holds an error code (RFC 6750)."
    )
    unauthorized_error_message: str = field(
        "Unauthorized", "The text for callers who are not known."
    )
    forbidden_error_message: str = field(
        "Forbidden", "The text for callers who are known and may not."
    )
    unauthorized_redirect_uri: list[RedirectUri] | None = field(
        None, "Where browsers are sent that are not known."
    )
    forbidden_redirect_uri: list[RedirectUri] | None = field(
        None, "Where browsers are sent that may not."
    )
    unexpected_redirect_uri: list[RedirectUri] | None = idle(
        None, "Where browsers are sent after an internal error."
    )
