# SPDX-License-Identifier: Apache-2.0
"""Requests with tokens: whose they are, and what is said of those that are nobody's."""

from __future__ import annotations

import base64
from time import time
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Request, Response
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Consumers
from gateway.plugins.jwt import handler as module
from gateway.plugins.jwt.handler import JwtAuth
from gateway.plugins.jwt.schema import Config
from gateway.plugins.tokens import jose
from gateway.plugins.tokens.jose import ALGORITHMS, HS
from tests.support.requests import request_of
from tests.support.tokens import encoded, private_key, public_pem, signed, unsigned

ANN = {"id": "c-ann", "username": "ann", "custom_id": None}
GUEST = {"id": "c-guest", "username": "guest", "custom_id": None}
T1 = (
    b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJrZXktYSJ9."
    b"U6DXQJLvrsNrJOBxBCwRlZaLvx-Q7sngeeieaXoZ1u8"
)
"""HS256 with ``SECRET``, iss key-a."""
SECRET = "secret-of-key-a"


def credential(key: str = "key-a", **fields: Any) -> dict[str, Any]:
    given = {"id": f"id of {key}", "key": key, "secret": SECRET, "algorithm": "HS256"}
    return {**given, "consumer": "c-ann", "created_at": 0, "rsa_public_key": None, **fields}


def of_algorithm(algorithm: str) -> dict[str, Any]:
    """Return a credential for ``signed`` tokens, by the name of the algorithm."""
    if algorithm in HS:
        secret = private_key(algorithm).raw_value.decode()
        return credential(algorithm, algorithm=algorithm, secret=secret)
    return credential(algorithm, algorithm=algorithm, rsa_public_key=public_pem(algorithm))


EVERY = [credential(), *map(of_algorithm, ALGORITHMS)]


def handler(credentials: list[dict[str, Any]] | None = None, **config: Any) -> JwtAuth:
    rows = EVERY if credentials is None else credentials
    consumers = Consumers({"consumers": [ANN, GUEST], "jwt_secrets": rows})
    pool: Any = None
    return JwtAuth(Config(**config), PluginContext(pool, lambda _: None, consumers=consumers))


def asked(token: bytes | None = None, target: bytes = b"/", *more: tuple[bytes, bytes]) -> Request:
    shown = [] if token is None else [(b"authorization", b"Bearer " + token)]
    return request_of(target, headers=[*shown, *more])


def passes(plugin: JwtAuth, request: Request) -> dict[bytes, bytes]:
    assert plugin.access(request) is None
    return dict(request.headers)


def refused(plugin: JwtAuth, request: Request) -> Response:
    response = plugin.access(request)
    assert isinstance(response, Response)
    assert response.status == 401
    assert request.consumer is None
    return response


def said(plugin: JwtAuth, request: Request) -> Any:
    body = refused(plugin, request).body
    assert isinstance(body, bytes)
    found = orjson.loads(body)
    return found["message"] if list(found) == ["message"] else found


def challenged(response: Response) -> bytes:
    return dict(response.headers)[b"WWW-Authenticate"]


def test_a_token_lets_its_consumer_pass() -> None:
    request = asked(T1)
    assert passes(handler(), request) == {
        b"authorization": b"Bearer " + T1,
        b"x-consumer-id": b"c-ann",
        b"x-consumer-username": b"ann",
        b"x-credential-identifier": b"key-a",
    }
    assert (request.consumer, request.claims) == (ANN, {"iss": "key-a"})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_served(algorithm: str) -> None:
    plugin = handler()
    for _ in range(2):
        request = asked(signed({"iss": algorithm}, algorithm))
        assert passes(plugin, request)[b"x-credential-identifier"] == algorithm.encode()
    assert said(plugin, asked(signed({"iss": algorithm}, algorithm, number=1))) == (
        "Invalid signature"
    )


NOW = int(time())
TIMES: dict[str, Any] = {"claims_to_verify": ["exp", "nbf"]}


@pytest.mark.parametrize(
    ("token", "config", "expected"),
    [
        (signed({"iss": ""}, secret=SECRET), {}, "Invalid 'iss' in claims"),
        (signed({"iss": 7}, secret=SECRET), {}, "Invalid 'iss' in claims"),
        (signed({"iss": ["key-a"]}, secret=SECRET), {}, "Invalid 'iss' in claims"),
        (signed({"iss": {"a": 1}}, secret=SECRET), {}, "Invalid 'iss' in claims"),
        (signed({"iss": None}, secret=SECRET), {}, "No mandatory 'iss' in claims"),
        (signed({}, secret=SECRET), {}, "No mandatory 'iss' in claims"),
        (signed({"iss": "key-ä"}, secret=SECRET), {}, "No credentials found for given 'iss'"),
        (
            signed({"iss": "key-a"}, secret=SECRET),
            {"key_claim_name": "kid"},
            "No mandatory 'kid' in claims",
        ),
        (signed({"iss": "key-a"}, secret="another secret"), {}, "Invalid signature"),
        (
            b"eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJrZXktYSJ9.I_Gl8FMmbfI-3Q2XzMNXfZOjLi"
            b"HfZN8Omx5Hiu0aj_iwA-iraG-A1GjqkRMALujM",
            {},
            "Invalid algorithm",
        ),
        (b"X", {}, "Bad token; invalid JSON"),
        (b"a.b", {}, "Bad token; invalid JSON"),
        (unsigned({"iss": "key-a"}), {}, "Bad token; invalid alg"),
        (signed([1], secret=SECRET), {}, "Bad token; invalid claims"),
        (T1 + b"!", {}, "Bad token; invalid signature"),
        (T1[:-1], {}, "Invalid signature"),
        (T1.rpartition(b".")[0] + b".", {}, "Invalid signature"),
        (
            b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJrZXktYSIsImV4cCI6MX0."
            b"E3xXVgI4OPCGKh-QQKLZ5XdVXOg_98t75CmtS9MwGro",
            {"claims_to_verify": ["exp"]},
            {"exp": "token expired"},
        ),
        (
            signed({"iss": "key-a", "nbf": NOW + 90_000, "exp": NOW + 95_000}, secret=SECRET),
            TIMES,
            {"nbf": "token not valid yet"},
        ),
        (
            signed({"iss": "key-a", "nbf": NOW + 90_000, "exp": 1}, secret=SECRET),
            TIMES,
            {"exp": "token expired", "nbf": "token not valid yet"},
        ),
        (
            signed({"iss": "key-a", "exp": "later"}, secret=SECRET),
            TIMES,
            {"exp": "must be a number", "nbf": "must be a number"},
        ),
        (
            signed({"iss": "key-a", "exp": NOW + 95_000}, secret=SECRET),
            {"claims_to_verify": ["exp"], "maximum_expiration": 300},
            {"exp": "exceeds maximum allowed expiration"},
        ),
    ],
)
def test_a_token_that_is_nobodys_is_refused_with_the_reason(
    token: bytes, config: dict[str, Any], expected: Any
) -> None:
    plugin = handler(**config)
    assert said(plugin, asked(token)) == expected
    assert challenged(refused(plugin, asked(token))) == b'Bearer error="invalid_token"'
    # As anonymous it passes, and its identity is not that of the token.
    headers = passes(handler(**config, anonymous="guest"), asked(token))
    assert (headers[b"x-consumer-id"], headers[b"x-anonymous-consumer"]) == (b"c-guest", b"true")


@pytest.mark.parametrize(
    "request_",
    [
        asked(),
        asked(None, b"/", (b"authorization", T1)),
        asked(None, b"/", (b"authorization", b"Basic " + T1)),
        asked(None, b"/?jwt="),
        asked(None, b"/?JWT=" + T1),
        asked(None, b"/", (b"cookie", b"jwt=" + T1)),
        asked(None, b"/", (b"x-token", b"Bearer " + T1)),
    ],
)
def test_without_a_token_a_request_is_unauthorized(request_: Request) -> None:
    response = refused(handler(), request_)
    assert response.body == b'{"message":"Unauthorized"}'
    assert challenged(response) == b"Bearer"


@pytest.mark.parametrize(
    ("request_", "config"),
    [
        (asked(T1, b"/?jwt=" + T1), {}),
        (asked(None, b"/?a&jwt=" + T1 + b"&jwt=" + T1), {}),
        (asked(None, b"/?j%77t=" + T1), {}),
        (asked(None, b"/?token=" + T1), {"uri_param_names": ["token"]}),
        (asked(None, b"/", (b"cookie", b"silly=" + T1)), {"cookie_names": ["silly", "crumble"]}),
        (
            asked(None, b"/", (b"cookie", b"a=b; crumble=" + T1)),
            {"cookie_names": ["silly", "crumble"]},
        ),
        (asked(None, b"/", (b"x-token", b"bearer  " + T1)), {"header_names": ["X-Token"]}),
        (asked(T1, b"/", (b"authorization", b"Bearer other")), {}),
        (asked(T1, b"/?jwt="), {}),
    ],
)
def test_a_token_may_be_in_any_configured_place(request_: Request, config: dict[str, Any]) -> None:
    assert passes(handler(**config), request_)[b"x-consumer-id"] == b"c-ann"


OTHER = signed({"iss": "HS256"})


@pytest.mark.parametrize(
    ("request_", "config"),
    [
        (asked(T1, b"/?jwt=" + OTHER), {}),
        (asked(T1, b"/?jwt=x"), {}),
        (asked(T1, b"/?jwt"), {}),
        (asked(None, b"/?jwt=" + T1 + b"&jwt=" + OTHER), {}),
        (asked(T1, b"/", (b"cookie", b"c=" + OTHER)), {"cookie_names": ["c"]}),
        (
            asked(T1, b"/", (b"x-token", b"Bearer " + OTHER)),
            {"header_names": ["authorization", "x-token"]},
        ),
    ],
)
def test_two_different_tokens_are_refused(request_: Request, config: dict[str, Any]) -> None:
    assert said(handler(**config), request_) == "Multiple tokens provided"


def test_an_argument_without_a_value_is_no_token() -> None:
    assert said(handler(), asked(None, b"/?jwt")) == "Unrecognizable token"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS512", "EdDSA"])
def test_a_public_key_does_not_sign_as_a_secret(algorithm: str) -> None:
    import hmac

    pem = public_pem(algorithm).encode()
    for head in ({"alg": "HS256"}, {"alg": "HS512", "kid": algorithm}):
        text = encoded(head) + b"." + encoded({"iss": algorithm})
        digest = hmac.digest(pem, text, "sha256" if head["alg"] == "HS256" else "sha512")
        assert said(handler(), asked(text + b"." + encoded(digest))) == "Invalid algorithm"


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "key-a' OR 1=1", "\x00", "http://evil.test/key", "", "ключ"]
)
def test_the_field_kid_decides_nothing_that_is_not_configured(kid: str) -> None:
    header = {"kid": kid, "jku": "http://evil.test/", "jwk": {"kty": "oct", "k": "AAAA"}}
    forged = signed({"iss": "key-a"}, secret=b"\0\0\0", header=header)
    assert said(handler(), asked(forged)) == "Invalid signature"
    good = signed({"iss": "key-a"}, secret=SECRET, header=header)
    assert passes(handler(), asked(good))
    by_kid = said(handler(key_claim_name="kid"), asked(good))
    assert by_kid.startswith(("No credentials found", "Invalid 'kid'"))


def test_the_key_may_be_in_the_tokens_header() -> None:
    plugin = handler(key_claim_name="kid")
    assert passes(plugin, asked(signed({}, secret=SECRET, header={"kid": "key-a"})))
    # What is claimed comes first.
    both = signed({"kid": "nobody"}, secret=SECRET, header={"kid": "key-a"})
    assert said(plugin, asked(both)) == "No credentials found for given 'kid'"


def test_only_secrets_are_in_base64_and_not_public_keys() -> None:
    raw = bytes(range(40))
    secret = base64.urlsafe_b64encode(raw).decode()
    rows = [credential(secret=secret), of_algorithm("RS256"), credential("bad", secret="a!")]
    plugin = handler(rows, secret_is_base64=True)
    assert passes(plugin, asked(signed({"iss": "key-a"}, secret=raw)))
    assert passes(plugin, asked(signed({"iss": "RS256"}, "RS256")))
    assert said(plugin, asked(signed({"iss": "key-a"}, secret=secret))) == "Invalid signature"
    assert said(plugin, asked(signed({"iss": "bad"}, secret="a!"))) == "Invalid key/secret"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (credential(algorithm="ES384", rsa_public_key=None), "Invalid key/secret"),
        (credential(algorithm="ES384", rsa_public_key="nonsense"), "Invalid signature"),
        (credential(algorithm="ES384", rsa_public_key=public_pem("ES256")), "Invalid signature"),
        (credential(algorithm="ES384", rsa_public_key=public_pem("RS256")), "Invalid signature"),
        (credential(algorithm="HS256", secret=""), "Invalid key/secret"),
    ],
)
def test_a_credential_without_a_usable_key_lets_nobody_pass(
    row: dict[str, Any], expected: str
) -> None:
    token = signed({"iss": "key-a"}, row["algorithm"])
    assert said(handler([row]), asked(token)) == expected


def test_a_realm_is_named() -> None:
    plugin = handler(realm="r")
    assert challenged(refused(plugin, asked())) == b'Bearer realm="r"'
    wrong = challenged(refused(plugin, asked(b"X")))
    assert wrong == b'Bearer realm="r", error="invalid_token"'
    assert challenged(refused(handler(realm='a"b\r\nx'), asked())) == b'Bearer realm="a\'b  x"'


def test_preflight_requests_need_a_token_unless_it_is_switched_off() -> None:
    request = request_of(method=b"OPTIONS", headers=[(b"x-consumer-id", b"kept")])
    assert said(handler(), request) == "Unauthorized"
    assert passes(handler(run_on_preflight=False), request) == {b"x-consumer-id": b"kept"}


def test_anonymous_is_who_shows_no_token() -> None:
    request = asked(None, b"/", (b"x-credential-identifier", b"forged"))
    headers = passes(handler(anonymous="c-guest"), request)
    assert headers[b"x-consumer-username"] == b"guest"
    assert b"x-credential-identifier" not in headers


def test_a_known_token_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed({"iss": "key-a", "exp": NOW + 50_000, "nbf": NOW}, secret=SECRET)
    plugin = handler(**TIMES)
    assert passes(plugin, asked(token))
    assert passes(plugin, asked(token))
    monkeypatch.setattr(module, "time", lambda: NOW + 50_000)
    assert said(plugin, asked(token)) == {"exp": "token expired"}
    monkeypatch.setattr(module, "time", lambda: NOW - 1)
    assert said(plugin, asked(token)) == {"nbf": "token not valid yet"}


def test_a_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []

    def count(jws: jose.Jws, key: object) -> bool:
        verified.append(jws)
        return True

    monkeypatch.setattr(jose, "is_signed", count)
    plugin = handler()
    for _ in range(3):
        assert passes(plugin, asked(T1))
    assert len(verified) == 1
    # Another handler has other keys: what one has verified is unknown to the other.
    assert passes(handler(), asked(T1))
    assert len(verified) == 2


def test_no_request_changes_what_another_is_given() -> None:
    plugin = handler()
    first = asked(T1)
    passes(plugin, first)
    first.headers.append((b"x-a", b"b"))
    assert b"x-a" not in passes(plugin, asked(T1))


def test_a_refused_token_is_not_in_the_response() -> None:
    token = signed({"iss": "key-a"}, secret="another secret")
    response = refused(handler(), asked(token))
    assert isinstance(response.body, bytes)
    assert token not in response.body + b"".join(value for _, value in response.headers)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=50)
@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), JSON_VALUES),
    claims=st.dictionaries(st.sampled_from(["iss", "exp", "nbf", "kid"]), JSON_VALUES)
    | JSON_VALUES,
    signature=st.binary(max_size=70),
    key=st.sampled_from(["iss", "kid"]),
)
def test_no_forged_token_passes_and_none_is_a_500(
    header: dict[str, Any], claims: Any, signature: bytes, key: str
) -> None:
    plugin = handler(key_claim_name=key, **TIMES)
    for algorithm in ("HS256", header.get("alg")):
        head = {**header, "alg": algorithm}
        try:
            token = b".".join(map(encoded, (head, claims, signature)))
        except TypeError:
            continue
        refused(plugin, asked(token))


@settings(max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_no_bytes_in_any_place_pass_or_raise(value: bytes, query: bytes) -> None:
    target = b"/?jwt=" + query.replace(b" ", b"+")
    request = request_of(
        target, headers=[(b"authorization", b"Bearer " + value), (b"cookie", value)]
    )
    refused(handler(cookie_names=["a"]), request)


@settings(max_examples=50)
@given(st.integers(0, len(T1) - 1), st.integers(0, 255))
def test_no_change_of_one_byte_passes_as_another(place: int, byte: int) -> None:
    changed = bytearray(T1)
    changed[place] = byte
    request = asked(bytes(changed))
    if handler().access(request) is None:
        assert request.claims == {"iss": "key-a"}
