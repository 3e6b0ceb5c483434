# SPDX-License-Identifier: Apache-2.0
"""Rules of Kong 3.10 for services, routes, upstreams, …: an entity and ``fields`` of the answer.

Out of ``kong/db/schema/entities`` and its tests in ``spec/01-unit/01-db/01-schema``.
"""

from __future__ import annotations

from typing import Any

UPSTREAM = "11111111-2222-4333-8444-555555555555"
_EMPTY = "length must be at least 1"
_NULL = "value must be null"
_BY_PROTOCOL = "failed conditional validation given value of field 'protocol'"
_RFC = "(characters outside of the reserved list of RFC 3986 found)"
_HOST = "cannot contain 'host' header, which must be specified in the 'hosts' attribute"
_STREAM = "when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'"
_GRPC = "when 'protocols' is 'grpc' or 'grpcs'"
_LEFT = "invalid wildcard: must be placed at leftmost or rightmost label"
_SNIS = "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"
_IP = [{"ip": "127.0.0.1"}]
_TCP: dict[str, Any] = {"protocols": ["tcp"], "sources": _IP}
_ASCII = "the only accepted ascii characters are alphanumerics or ., -, _, and ~"


def _by(field: str) -> str:
    return f"failed conditional validation given value of field '{field}'"


Rule = tuple[str, dict[str, Any], dict[str, Any]]

SERVICES: list[Rule] = [
    ("services", service, fields)
    for service, fields in (
        ({"host": ""}, {"host": _EMPTY}),
        ({"host": "a.test", "path": ""}, {"path": _EMPTY}),
        ({"host": "a.test", "name": ""}, {"name": _EMPTY}),
        ({"host": "a.test", "tags": [""]}, {"tags": {"1": _EMPTY}}),
        ({"host": False}, {"host": "expected a string"}),
        ({"host": "a.test", "port": "80"}, {"port": "expected an integer"}),
        ({"host": "a.test", "retries": -1}, {"retries": "value should be between 0 and 32767"}),
        ({"host": "example:"}, {"host": "invalid value: example:"}),
        ({"host": "mock*bin.com"}, {"host": "invalid value: mock*bin.com"}),
        ({"host": "a.test:80"}, {"host": "must not have a port"}),
        ({"host": "a.test:1000000"}, {"host": "must not have a port"}),
        ({"host": "a.test", "name": "a b"}, {"name": f"invalid value 'a b': {_ASCII}"}),
        ({"host": "a.test", "path": "a"}, {"path": "should start with: /"}),
        ({"host": "a.test", "path": "/a//b"}, {"path": "must not have empty segments"}),
        ({"host": "a.test", "path": "/a|b%"}, {"path": f"invalid path: '/a|b%' {_RFC}"}),
        ({"host": "a.test", "path": "/a%2G"}, {"path": "invalid url-encoded value: '%2G'"}),
        ({"host": "a", "protocol": "tcp", "path": "/"}, {"path": _NULL, "@entity": [_BY_PROTOCOL]}),
        (
            {"host": "a", "tls_verify": True, "tls_verify_depth": 1},
            {"tls_verify": _NULL, "tls_verify_depth": _NULL, "@entity": [_BY_PROTOCOL] * 2},
        ),
        (
            {"host": "a", "client_certificate": {"id": "x"}, "protocol": "https"},
            {"client_certificate": {"id": "expected a valid UUID"}},
        ),
    )
]
ROUTES: list[Rule] = [
    ("routes", route, fields)
    for route, fields in (
        ({"paths": [""]}, {"paths": {"1": _EMPTY}}),
        ({"hosts": [""]}, {"hosts": {"1": _EMPTY}}),
        ({"methods": [""]}, {"methods": {"1": _EMPTY}}),
        ({"protocols": ["https"], "snis": [""]}, {"snis": {"1": _EMPTY}}),
        ({"paths": ["/"], "name": ""}, {"name": _EMPTY}),
        ({"headers": {"": ["a"]}}, {"headers": _EMPTY}),
        ({"headers": {"a": [""]}}, {"headers": {"1": _EMPTY}}),
        ({"paths": [False]}, {"paths": {"1": "expected a string"}}),
        ({"methods": "GET"}, {"methods": "expected a set"}),
        ({"paths": "/a"}, {"paths": "expected an array"}),
        ({"headers": {"a": True}}, {"headers": "expected an array"}),
        ({"headers": {"a": [True]}}, {"headers": {"1": "expected a string"}}),
        ({"headers": {"HoSt": ["a.test"]}}, {"headers": _HOST}),
        (
            {"headers": {"a b": ["c"]}},
            {
                "headers": "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', "
                "and '-'"
            },
        ),
        ({"hosts": ["example:"]}, {"hosts": {"1": "invalid hostname: example:"}}),
        ({"hosts": ["a.test:99999"]}, {"hosts": {"1": "invalid port number"}}),
        ({"hosts": ["*a.test", "a.test"]}, {"hosts": {"1": _LEFT}}),
        ({"paths": ["~/a//b"]}, {"paths": {"1": "must not have empty segments"}}),
        (
            {"protocols": ["https"], "snis": ["a.*.test"]},
            {"snis": {"1": "wildcard must be leftmost or rightmost character"}},
        ),
        ({"protocols": ["tls"], "snis": ["127.0.0.1"]}, {"snis": {"1": "must not be an IP"}}),
        ({"protocols": ["tls"], "snis": ["a.test:80"]}, {"snis": {"1": "must not have a port"}}),
        (
            {"paths": ["/"], "snis": ["a.test"], "protocols": ["http"]},
            {"snis": "length must be 0", "@entity": [_SNIS]},
        ),
        (
            {"paths": ["/"], "protocols": ["http", "tcp"]},
            {
                "protocols": "these sets are mutually exclusive: ('http', 'https'), "
                "('tcp', 'tls', 'udp')"
            },
        ),
        (
            {"snis": ["a.test"], "protocols": ["tls", "tls_passthrough"]},
            {
                "protocols": "these sets are mutually exclusive: ('tcp', 'tls', 'udp'), "
                "('tls_passthrough')"
            },
        ),
        ({**_TCP, "paths": ["/"]}, {"paths": f"cannot set 'paths' {_STREAM}"}),
        ({**_TCP, "methods": ["GET"]}, {"methods": f"cannot set 'methods' {_STREAM}"}),
        ({**_TCP, "hosts": ["a.test"]}, {"hosts": f"cannot set 'hosts' {_STREAM}"}),
        ({**_TCP, "headers": {"a": ["b"]}}, {"headers": f"cannot set 'headers' {_STREAM}"}),
        (
            {"paths": ["/"], "sources": _IP},
            {"sources": "cannot set 'sources' when 'protocols' is 'http' or 'https'"},
        ),
        (
            {"paths": ["/"], "protocols": ["grpc"], "methods": "GET"},
            {"methods": f"cannot set 'methods' {_GRPC}"},
        ),
        (
            {"paths": ["/"], "protocols": ["grpcs"], "strip_path": True},
            {"strip_path": f"cannot set 'strip_path' {_GRPC}"},
        ),
        (
            {"protocols": ["tls_passthrough"], "sources": _IP},
            {"@entity": ["must set snis when 'protocols' is 'tls_passthrough'"]},
        ),
        (
            {"protocols": ["udp"]},
            {
                "@entity": [
                    "must set one of 'sources', 'destinations', 'snis' when 'protocols' is 'tcp', "
                    "'tls' or 'udp'"
                ]
            },
        ),
        (
            {"protocols": ["grpc"]},
            {"@entity": ["must set one of 'hosts', 'headers', 'paths' when 'protocols' is 'grpc'"]},
        ),
        (
            {"protocols": ["http"], "name": "a b"},
            {
                "name": f"invalid value 'a b': {_ASCII}",
                "@entity": [
                    "must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is "
                    "'http'"
                ],
            },
        ),
        (
            {**_TCP, "destinations": [{"ip": "1/0"}, {"port": 65536}]},
            {
                "destinations": {
                    "1": {"ip": "invalid ip or cidr range: '1/0'"},
                    "2": {"port": "value should be between 0 and 65535"},
                }
            },
        ),
        ({"paths": ["/"], "service": {"id": "x"}}, {"service": {"id": "expected a valid UUID"}}),
        ({"paths": ["/"], "service": {}}, {"service": {"id": "missing primary key"}}),
        ({"paths": ["/"], "id": ""}, {"id": "expected a valid UUID"}),
        ({"paths": ["/"], "path_handling": "v2"}, {"path_handling": "expected one of: v0, v1"}),
        (
            {"paths": ["/"], "https_redirect_status_code": 404},
            {"https_redirect_status_code": "expected one of: 426, 301, 302, 307, 308"},
        ),
    )
]
OTHERS: list[Rule] = [
    ("upstreams", {"name": ""}, {"name": _EMPTY}),
    ("upstreams", {"name": "1.2.3.4"}, {"name": "Invalid name; no ip addresses allowed"}),
    ("upstreams", {"name": "a b"}, {"name": "Invalid name; must be a valid hostname"}),
    ("upstreams", {"name": "a:80"}, {"name": "Invalid name; no port allowed"}),
    (
        "upstreams",
        {"name": "a", "hash_on": "header"},
        {"hash_on_header": "required field missing", "@entity": [_by("hash_on")]},
    ),
    (
        "upstreams",
        {"name": "a", "hash_on": "ip", "hash_fallback": "cookie"},
        {"hash_on_cookie": "required field missing", "@entity": [_by("hash_fallback")]},
    ),
    (
        "upstreams",
        {"name": "a", "hash_fallback": "ip"},
        {"hash_fallback": "expected one of: none", "@entity": [_by("hash_on")]},
    ),
    (
        "upstreams",
        {"name": "a", "hash_on": "path", "hash_fallback": "path"},
        {
            "hash_fallback": "expected one of: none, consumer, ip, header, cookie, query_arg, "
            "uri_capture",
            "@entity": [_by("hash_on")],
        },
    ),
    (
        "upstreams",
        {
            "name": "a",
            "hash_on": "header",
            "hash_fallback": "header",
            "hash_on_header": "x",
            "hash_fallback_header": "x",
        },
        {
            "@entity": [
                "values of these fields must be distinct: 'hash_on_header', 'hash_fallback_header'"
            ]
        },
    ),
    (
        "upstreams",
        {"name": "a", "healthchecks": {"active": {"https_sni": "10.0.0.1"}}},
        {"healthchecks": {"active": {"https_sni": "must not be an IP"}}},
    ),
    (
        "upstreams",
        {"name": "a", "healthchecks": {"active": {"http_path": ""}}},
        {"healthchecks": {"active": {"http_path": _EMPTY}}},
    ),
    (
        "targets",
        {"target": "a b", "upstream": {"id": UPSTREAM}},
        {"target": "Invalid target ('a b'); not a valid hostname or ip address"},
    ),
    (
        "consumers",
        {},
        {"@entity": ["at least one of these fields must be non-empty: 'custom_id', 'username'"]},
    ),
    (
        "consumers",
        {"username": ""},
        {
            "username": _EMPTY,
            "@entity": ["at least one of these fields must be non-empty: 'custom_id', 'username'"],
        },
    ),
    (
        "snis",
        {"name": "10.0.0.1", "certificate": {"id": UPSTREAM}},
        {"name": "must not be an IP"},
    ),
]
RULES = SERVICES + ROUTES + OTHERS
