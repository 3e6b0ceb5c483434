# SPDX-License-Identifier: Apache-2.0
"""Field types that several entities share, with Kong's texts for values that do not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from gateway.names.addresses import host_problem, port_problem, topic_problem, url_problem
from gateway.names.numbers import whole

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
REFERENCE = re.compile(r"\{vault://[^}]+\}")
"""A vault reference; it always is the whole value."""

_NAME = re.compile(r"[A-Za-z0-9._~\-\u0080-\U0010ffff]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_TAG = re.compile(r"[^,/\x00-\x1f\x7f]+")
MALFORMED_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}")
_PATH_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*")

Protocol = Literal["http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough"]

PluginProtocol = Literal[
    "http", "https", "grpc", "grpcs", "tcp", "tls", "udp", "tls_passthrough", "ws", "wss"
]
"""Those that a plugin may be used for; no route has the last two here."""


def all_http_protocols() -> list[PluginProtocol]:
    """Return the protocols of a plugin that names none."""
    return ["grpc", "grpcs", "http", "https"]


def is_reference(value: object) -> bool:
    """Tell whether a value is a vault reference such as ``{vault://env/NAME}``."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def invalid(text: str) -> PydanticCustomError:
    """Make the error of one field; ``text`` is shown as it is."""
    return PydanticCustomError("invalid", "{text}", {"text": text})


def check_uuid(value: str) -> str:
    """Return a UUID as it is written and compared, in lower case; refuse what is none.

    RFC 9562 section 4: upper case is read as well, and the same.
    """
    if UUID.fullmatch(value) is None:
        raise invalid("expected a valid UUID")
    return value.lower()


def _no_empty_uuid(value: Any) -> Any:
    """Refuse an empty text for the UUID that it is not: Kong looks at that before the length."""
    return check_uuid(value) if value == "" else value


def check_uuid_or_reference(value: str) -> str:
    """Refuse what is neither a UUID nor a vault reference."""
    return value if is_reference(value) else check_uuid(value)


def check_name(value: str) -> str:
    """Refuse names with ASCII characters that would not survive in a URL (Kong's utf8_name)."""
    if _NAME.fullmatch(value) is None:
        raise invalid(
            f"invalid value '{value}': the only accepted ascii characters are alphanumerics"
            " or ., -, _, and ~"
        )
    return value


def check_header_name(value: str) -> str:
    """Refuse what cannot be the name of a header (Kong's ``header_name``)."""
    if _HEADER_NAME.fullmatch(value) is None:
        raise invalid(
            f"bad header name '{value}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"
        )
    return value


def check_tag(value: str) -> str:
    """Refuse tags that could not be used in a tags filter."""
    if _TAG.fullmatch(value) is None:
        raise invalid(
            f"invalid tag '{value}': expected printable ascii (except `,` and `/`)"
            " or valid utf-8 sequences"
        )
    return value


def check_url_path(value: str) -> str:
    """Refuse paths that are not absolute, have empty segments or break RFC 3986."""
    if not value.startswith("/"):
        raise invalid("should start with: /")
    if "//" in value:
        raise invalid("must not have empty segments")
    if _PATH_CHARACTERS.fullmatch(value) is None:
        raise invalid(
            f"invalid path: '{value}' (characters outside of the reserved list of RFC 3986 found)"
        )
    bad = MALFORMED_PERCENT.search(value)
    if bad is not None:
        raise invalid(f"invalid url-encoded value: '{bad[0]}'")
    return value


def check_topic(value: str) -> str:
    """Refuse names that no topic can have; a vault reference is looked at when it is resolved."""
    return _checked(value, topic_problem(value))


def check_connect_host(value: str) -> str:
    """Refuse what cannot be the host of a connection: URLs, ports in it, blanks, …"""
    return _checked(value, host_problem(value))


def check_connect_port(value: int) -> int:
    """Refuse port 0, to which nothing connects."""
    # Those out of range are refused before, with Kong's text.
    if value == 0:
        raise invalid(port_problem(value))
    return value


def check_http_url(value: str) -> str:
    """Refuse what is no address over http or https, and credentials or a query in it."""
    return _checked(value, url_problem(value))


def check_token_url(value: str) -> str:
    """Refuse what is no address over http or https; it may have a query."""
    return _checked(value, url_problem(value, query=True))


def check_proxy_url(value: str) -> str:
    """Refuse what is no address over http or https; it may hold a user and a password."""
    return _checked(value, url_problem(value, credentials=True))


def _checked(value: str, problem: str) -> str:
    if problem and not is_reference(value):
        raise invalid(problem)
    return value


def _plain_id(value: Any) -> Any:
    """Return the primary key of a foreign entity: whatever else of it is given does not count.

    Kong 3.10 ``kong/db/schema/init.lua`` validate_primary_key with ignore_others.
    """
    if not isinstance(value, Mapping):
        return _no_empty_uuid(value)
    key = value.get("id")
    if key is None:
        raise _about_id("missing primary key")
    if not isinstance(key, str):
        raise _about_id("expected a string")
    if UUID.fullmatch(key) is None:
        raise _about_id("expected a valid UUID")
    return key


def _about_id(text: str) -> PydanticCustomError:
    """Make the error of a foreign key's own primary key, as ``gateway.entities.base.violation``."""
    return PydanticCustomError("entity", "{checks}", {"checks": [], "fields": {"id": text}})


Number = Annotated[float, AfterValidator(whole)]
"""A number; a whole one stays an integer."""
Uuid = Annotated[str, BeforeValidator(_no_empty_uuid), AfterValidator(check_uuid)]
UuidOrReference = Annotated[
    str, BeforeValidator(_no_empty_uuid), AfterValidator(check_uuid_or_reference)
]
Name = Annotated[str, AfterValidator(check_name)]
HeaderName = Annotated[str, AfterValidator(check_header_name)]
Tag = Annotated[str, AfterValidator(check_tag)]
UrlPath = Annotated[str, AfterValidator(check_url_path)]
ForeignKey = Annotated[str, BeforeValidator(_plain_id), AfterValidator(check_uuid)]
Port = Annotated[int, Field(ge=0, le=65535)]
MayBeEmpty = Annotated[str, Field(min_length=0)]
"""A text that may be empty, which any other in a model is refused for; Kong says `len_min = 0`."""
TopicName = Annotated[str, AfterValidator(check_topic)]
ConnectHost = Annotated[str, AfterValidator(check_connect_host)]
ConnectPort = Annotated[int, Field(ge=0, le=65535), AfterValidator(check_connect_port)]
HttpUrl = Annotated[str, AfterValidator(check_http_url)]
TokenUrl = Annotated[str, AfterValidator(check_token_url)]
ProxyUrl = Annotated[str, AfterValidator(check_proxy_url)]
Milliseconds = Annotated[int, Field(ge=1, le=2147483646)]
"""A timeout in milliseconds, 1 to 2^31-2."""
