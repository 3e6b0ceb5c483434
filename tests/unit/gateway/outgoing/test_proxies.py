# SPDX-License-Identifier: Apache-2.0
"""Which proxy a URL is reached through."""

from __future__ import annotations

import pytest

from gateway.outgoing.proxies import BY_ENVIRONMENT, ForwardProxy, proxy_for

PLAIN, SECURE = ForwardProxy("http://p:1", "Basic abc"), ForwardProxy("http://s:2", "Basic def")


@pytest.mark.parametrize(
    ("url", "excepted", "proxy"),
    [
        ("http://a.test/", None, PLAIN),
        ("https://a.test/", None, SECURE),
        ("https://a.test/", "b.test", SECURE),
        ("https://a.test/", "b.test, a.test", ForwardProxy("")),
        ("https://x.a.test/", ".a.test", ForwardProxy("")),
        ("https://xa.test/", "a.test", SECURE),
        ("https://a.test/", "*", ForwardProxy("")),
        ("http://[::1", None, ForwardProxy("")),
    ],
)
def test_the_proxy_follows_scheme_and_exceptions(
    url: str, excepted: str | None, proxy: ForwardProxy
) -> None:
    assert proxy_for(url, http=PLAIN, https=SECURE, excepted=excepted) == proxy


def test_without_one_the_environment_decides() -> None:
    none = ForwardProxy(None, "Basic abc")
    assert proxy_for("http://a.test", http=none, https=SECURE, excepted="*") == BY_ENVIRONMENT


def test_credentials_are_not_shown() -> None:
    assert "abc" not in repr(PLAIN)
