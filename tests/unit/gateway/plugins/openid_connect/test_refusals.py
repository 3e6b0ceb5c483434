# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from gateway.plugins.authentication import Denial
from gateway.plugins.openid_connect.refusals import Refusals
from gateway.plugins.openid_connect.schema import Config


def refusals(**config: Any) -> Refusals:
    given = {"issuer": "https://login.test:8443/realms/a", **config}
    return Refusals(Config.model_validate(given))


def header(denial: Denial) -> bytes:
    return dict(denial.headers).get(b"WWW-Authenticate", b"")


def test_refusals_name_the_provider_and_the_error() -> None:
    found = refusals()
    assert header(found.nothing) == b'Bearer realm="login.test"'
    invalid = b'Bearer realm="login.test", error="invalid_token"'
    assert header(found.unauthorized("why")) == invalid
    assert header(found.forbidden("why")) == b""
    scope = b'Bearer realm="login.test", error="insufficient_scope"'
    assert header(found.forbidden("why", scope=True)) == scope
    assert found.forbidden("why").status == 403


def test_texts_and_reasons_are_as_configured() -> None:
    texts = {"unauthorized_error_message": "No", "forbidden_error_message": "Never"}
    found = refusals(**texts)
    assert (found.unauthorized("why").message, found.forbidden("why").message) == ("No", "Never")
    shown = refusals(**texts, display_errors=True)
    assert shown.unauthorized("why").message == "No (why)"
    assert header(shown.unauthorized("why")).endswith(b'error_description="why"')
    hidden = refusals(expose_error_code=False, display_errors=True)
    assert header(hidden.unauthorized("why")) == b'Bearer realm="login.test"'


def test_browsers_may_be_sent_elsewhere() -> None:
    found = refusals(
        unauthorized_redirect_uri=["https://a.test/"], forbidden_redirect_uri=["https://b.test/"]
    )
    for denial, place in (
        (found.unauthorized("why"), b"https://a.test/"),
        (found.forbidden("why"), b"https://b.test/"),
    ):
        response = found.response(denial)
        assert (response.status, dict(response.headers)[b"Location"]) == (302, place)
    assert refusals().response(found.forbidden("why")).body == b'{"message":"Forbidden"}'
