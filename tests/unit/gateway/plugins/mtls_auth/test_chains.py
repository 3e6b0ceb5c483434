# SPDX-License-Identifier: Apache-2.0
"""``mtls-auth`` over TLS: what clients send along with a certificate, and which names count."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509

from tests.support.authority import Authority, Pair, client_context
from tests.support.gates import SERVERS, Answer, consumers, credential, gate
from tests.support.releases import number

ROOT = Authority("root")
BETWEEN = Authority("between", by=ROOT)
CA, BETWEEN_CA = number("root"), number("between")
TABLE: dict[str, Any] = {
    "ca_certificates": [{"id": CA, "cert": ROOT.pem}, {"id": BETWEEN_CA, "cert": BETWEEN.pem}],
    "consumers": consumers("bob", "ann", "guest"),
    "mtls_auth_credentials": [
        credential("ann", subject_name="spiffe://a/b", ca_certificate=None),
        credential("ann", subject_name="10.0.0.1", ca_certificate=None),
    ],
}
FAILED = (401, {"message": "TLS certificate failed verification"})
BELOW = BETWEEN.issue("bob")
WHOLE = Pair(BELOW.certificate + BETWEEN.pem, BELOW.key)


async def asked(pair: Pair, *authorities: str, **config: Any) -> Answer:
    given = {"ca_certificates": list(authorities or [CA]), **config}
    async with gate({"mtls-auth": given}, tls=True, **TABLE) as place:
        return await place.ask(tls=client_context(SERVERS.pem, pair))


@pytest.mark.parametrize(
    ("pair", "authorities", "partial", "passes"),
    [
        (BELOW, [CA], False, False),
        (WHOLE, [CA], False, True),
        (BELOW, [CA, BETWEEN_CA], False, True),
        (BELOW, [BETWEEN_CA], False, False),
        (WHOLE, [BETWEEN_CA], False, False),
        (BELOW, [BETWEEN_CA], True, True),
        (WHOLE, [BETWEEN_CA], True, True),
    ],
)
async def test_what_is_between_a_certificate_and_its_root_is_sent_or_configured(
    pair: Pair, authorities: list[str], partial: bool, passes: bool
) -> None:
    found = await asked(pair, *authorities, allow_partial_chain=partial)
    if passes:
        assert found.header("x-consumer-username") == "bob"
    else:
        assert (found.status, found.body) == FAILED


@pytest.mark.parametrize("days", [(-3, -2), (1, 2)])
async def test_a_certificate_counts_in_its_time_only(days: tuple[int, int]) -> None:
    found = await asked(ROOT.issue("bob", days=days), default_consumer="guest")
    assert (found.status, found.body) == FAILED


@pytest.mark.parametrize(
    ("alternatives", "username"),
    [
        ([x509.DNSName("ann")], "ann"),
        ([x509.DNSName("x.test"), x509.RFC822Name("ann")], "ann"),
        ([x509.UniformResourceIdentifier("spiffe://a/b")], "ann"),
        ([x509.IPAddress(IPv4Address("10.0.0.1"))], "ann"),
        # The common name is the one of a consumer, and counts no more beside alternative names.
        ([x509.DNSName("x.test")], None),
        ([x509.DNSName("Bob")], None),
    ],
)
async def test_alternative_names_stand_in_for_the_common_one(
    alternatives: list[x509.GeneralName], username: str | None
) -> None:
    pair = ROOT.issue("bob", alternatives=alternatives)
    found = await asked(pair)
    if username is None:
        assert (found.status, found.body) == FAILED
        found, username = await asked(pair, default_consumer="guest"), "guest"
    assert found.header("x-consumer-username") == username
    assert found.header("x-anonymous-consumer") is None
