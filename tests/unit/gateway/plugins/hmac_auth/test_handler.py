# SPDX-License-Identifier: Apache-2.0
"""``hmac-auth`` on a real socket, by the rules of Kong's own tests; the clock stands."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any

import pytest

from gateway.plugins.hmac_auth import handler as module
from tests.support.gates import consumers, credential, gate

D1 = "Tue, 01 Jan 2030 00:00:00 GMT"
NOW = 1893456000.0
EMPTY = "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
DIGEST = "SHA-256=AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI="
NO_DATE = (
    "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC "
    "Authentication"
)
CANNOT = "HMAC signature cannot be verified"
DIFFERS = "HMAC signature does not match"
TABLE: dict[str, Any] = {
    "consumers": consumers("bob", "guest"),
    "hmacauth_credentials": [credential("bob", username="bob", secret="secret")],
}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", lambda: NOW)


def header(signature: str, names: str = "date", user: str = "bob", kind: str = "sha256") -> str:
    return (
        f'hmac username="{user}", algorithm="hmac-{kind}", headers="{names}", '
        f'signature="{signature}"'
    )


def signed(text: str, names: str = "date", kind: str = "sha256", secret: str = "secret") -> str:
    digest = hmac.digest(secret.encode(), text.encode(), kind)
    return header(b64encode(digest).decode(), names, kind=kind)


GOOD = signed(f"date: {D1}")
LINE = f"date: {D1}\nGET /gate?id=1 HTTP/1.1"


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        ({}, {"date": D1, "authorization": header("gfRIs5XHvRf0lO0nP6ldQrwtx0JZmYXa+eUWs4wUs98=")}),
        ({}, {"date": D1, "proxy-authorization": GOOD}),
        ({}, {"date": D1, "proxy-authorization": "Basic x", "authorization": GOOD}),
        ({}, {"date": D1, "x-date": "nonsense", "authorization": GOOD}),
        ({}, {"x-date": D1, "authorization": signed(f"x-date: {D1}", "x-date")}),
        ({}, {"date": D1, "authorization": signed(f"date: {D1}", kind="sha1")}),
        ({}, {"date": D1, "authorization": signed(f"date: {D1}", kind="sha512")}),
        ({}, {"date": D1, "authorization": signed(LINE, "date request-line")}),
        (
            {"enforce_headers": ["date", "@request-target"]},
            {
                "date": D1,
                "authorization": signed(
                    f"@request-target: get /gate?id=1\ndate: {D1}", "@request-target date"
                ),
            },
        ),
        ({"clock_skew": 60}, {"date": "Tue, 01 Jan 2030 00:01:00 GMT", "authorization": ""}),
        ({"validate_request_body": True}, {"date": D1, "authorization": GOOD}),
        ({"validate_request_body": True}, {"date": D1, "authorization": GOOD, "digest": EMPTY}),
    ],
)
async def test_a_signature_by_the_consumers_secret_lets_it_pass(
    config: dict[str, Any], headers: dict[str, str]
) -> None:
    if headers.get("authorization") == "":
        headers = {**headers, "authorization": signed(f"date: {headers['date']}")}
    async with gate({"hmac-auth": config}, **TABLE) as place:
        found = await place.ask("/gate?id=1", headers)
        assert found.status == 200, found
        assert found.header("x-credential-identifier") == "bob"
        assert found.header("x-consumer-username") == "bob"


@pytest.mark.parametrize(
    ("config", "headers", "message"),
    [
        ({}, {"date": D1}, "Unauthorized"),
        ({}, {"authorization": GOOD}, NO_DATE),
        ({}, {"date": "nonsense", "authorization": GOOD}, NO_DATE),
        ({}, {"date": "Tue, 01 Jan 2030 00:05:01 GMT", "authorization": GOOD}, NO_DATE),
        ({}, {"date": "Mon, 31 Dec 2029 23:54:59 GMT", "authorization": GOOD}, NO_DATE),
        ({}, {"date": D1, "authorization": "Basic Ym9iOmtvbmc="}, CANNOT),
        ({}, {"date": D1, "authorization": header("x", user="eve")}, CANNOT),
        ({}, {"date": D1, "authorization": header("x", kind="md5")}, CANNOT),
        ({}, {"date": D1, "authorization": header("x", kind="sha224")}, CANNOT),
        (
            {"enforce_headers": ["date", "request-line"]},
            {"date": D1, "authorization": GOOD},
            CANNOT,
        ),
        ({"enforce_headers": ["Date"]}, {"date": D1, "authorization": GOOD}, CANNOT),
        (
            {"algorithms": ["hmac-sha1", "hmac-sha256"]},
            {"date": D1, "authorization": signed(f"date: {D1}", kind="sha512")},
            CANNOT,
        ),
        ({}, {"date": D1, "authorization": signed("date: another")}, DIFFERS),
        ({}, {"date": D1, "authorization": signed(f"date: {D1}", secret="other")}, DIFFERS),
        ({}, {"date": D1, "authorization": header("not base64!")}, DIFFERS),
        ({}, {"date": D1, "authorization": header("")}, CANNOT),
        (
            {},
            {
                "date": D1,
                "authorization": header(
                    "DvsynXIOIQOkIkGZ4x4iAMyIQheezTTRcPnujNmO46k=", "date request-line"
                ),
            },
            DIFFERS,
        ),
        (
            {"validate_request_body": True},
            {"date": D1, "authorization": GOOD, "digest": DIGEST},
            DIFFERS,
        ),
        ({}, {"date": D1, "proxy-authorization": header("eA=="), "authorization": GOOD}, DIFFERS),
    ],
)
async def test_everything_else_is_a_401_that_says_why(
    config: dict[str, Any], headers: dict[str, str], message: str
) -> None:
    async with gate({"hmac-auth": {**config, "realm": "test-realm"}}, **TABLE) as place:
        found = await place.ask("/gate", headers)
        assert (found.status, found.message) == (401, message)
        assert found.headers["www-authenticate"] == 'hmac realm="test-realm"'
    config = {**config, "anonymous": "guest", "hide_credentials": True}
    async with gate({"hmac-auth": config}, **TABLE) as place:
        found = await place.ask("/gate", headers)
        assert found.header("x-anonymous-consumer") == "true"
        assert found.header("x-credential-identifier") is None


@pytest.mark.parametrize(
    ("body", "digest", "passes"),
    [
        (b'{"a":1}', DIGEST, True),
        (b'{"a":2}', DIGEST, False),
        (b'{"a":1}', None, False),
        (b'{"a":1}', DIGEST.lower(), False),
    ],
)
async def test_the_body_is_the_one_whose_digest_is_shown(
    body: bytes, digest: str | None, passes: bool
) -> None:
    headers = {"date": D1, "authorization": GOOD} | ({"digest": digest} if digest else {})
    async with gate({"hmac-auth": {"validate_request_body": True}}, **TABLE) as place:
        found = await place.ask(headers=headers, method="POST", body=body)
        assert found.status == (200 if passes else 401)


async def test_the_signature_is_hidden_and_the_other_header_is_not() -> None:
    headers = {"date": D1, "proxy-authorization": GOOD, "authorization": "Bearer x"}
    async with gate({"hmac-auth": {"hide_credentials": True}}, **TABLE) as place:
        found = await place.ask(headers=headers)
        assert found.header("proxy-authorization") is None
        assert found.header("authorization") == "Bearer x"


async def test_the_request_is_signed_as_it_came_whatever_other_plugins_made_of_it() -> None:
    keys = [credential("bob", key="of bob")]
    text = f"date: {D1}\nGET /gate?apikey=of%20bob&id=1 HTTP/1.1"
    headers = {"date": D1, "authorization": signed(text, "date request-line")}
    both = {"key-auth": {"hide_credentials": True}, "hmac-auth": {}}
    async with gate(both, keyauth_credentials=keys, **TABLE) as place:
        found = await place.ask("/gate?apikey=of%20bob&id=1", headers)
        assert found.status == 200, found
        assert found.request is not None
        assert "apikey" not in found.request["query"]
