# SPDX-License-Identifier: Apache-2.0
"""Types and makers of fields that the parts of ``openid-connect``'s configuration share."""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

from gateway.entities.base import Hint
from gateway.entities.types import TokenUrl

Words = Annotated[list[str], Hint(set=True)]
Path = list[str]
"""Names from the outermost object of a token's claims to the one that is meant."""
Endpoint = Annotated[TokenUrl, Hint(referenceable=True)]
Referable = Annotated[str, Hint(referenceable=True)]
Hidden = Annotated[str, Hint(referenceable=True, encrypted=True)]
Places = Annotated[list[Literal["body", "header", "query"]], Hint(set=True)]
ClientAuthentication = Literal[
    "client_secret_basic",
    "client_secret_jwt",
    "client_secret_post",
    "none",
    "private_key_jwt",
    "self_signed_tls_client_auth",
    "tls_client_auth",
]
Method = Literal[
    "authorization_code",
    "bearer",
    "client_credentials",
    "introspection",
    "kong_oauth2",
    "password",
    "refresh_token",
    "session",
    "userinfo",
]
METHODS: list[Method] = list(get_args(Method))
_NO_EFFECT = "Without effect"
SERVED = frozenset({"bearer", "client_credentials", "introspection"})
"""The methods that need neither a browser nor a session."""


def field(default: Any, description: str, **more: Any) -> Any:
    """Make a field whose default may be a list."""
    if isinstance(default, list):
        return Field(
            default_factory=lambda: copy.deepcopy(default), description=description, **more
        )
    return Field(default=default, description=description, **more)


def login(default: Any, description: str) -> Any:
    """Make a field of the login flows, which is accepted and does nothing."""
    return field(default, f"{description} {_NO_EFFECT}: there are no logins and no sessions.")


def idle(default: Any, description: str) -> Any:
    """Make a field that is accepted, so that files of Kong fit, and does nothing."""
    return field(default, f"{description} {_NO_EFFECT}.")


def has_effect(made: FieldInfo) -> bool:
    """Tell whether a field does anything."""
    return _NO_EFFECT not in (made.description or "")
