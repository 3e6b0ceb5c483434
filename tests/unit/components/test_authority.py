# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi
import pytest

from components.authority import Lifetimes, StackAuthority
from tests.support.local import answer
from tests.support.registrations import Registration, register


@pytest.fixture(scope="module")
def found() -> dict[str, Registration]:
    def make() -> None:
        parent = pulumi.ComponentResource("test:index:Whole", "whole")
        authority = StackAuthority("certs", parent, "ours", Lifetimes(leaf=48, renewal=24))
        authority.sign("server", "server", "a.example", ["a.example"], ["127.0.0.1"])
        authority.sign("client", "client", "b")

    return {one.name: one for one in register(make, answer)}


def test_what_is_signed_waits_for_its_authority_and_hides_its_key(
    found: dict[str, Registration],
) -> None:
    for name in ("certs-server", "certs-client"):
        assert found[name].parent.endswith("::whole")
        assert found[name].depends_on("certs-authority")
        assert found[name].is_secret("ca")


def test_a_leaf_is_renewed_within_its_lifetime_and_an_authority_lives_longer(
    found: dict[str, Registration],
) -> None:
    leaf, authority = found["certs-server"].inputs, found["certs-authority"].inputs
    assert (leaf["validityHours"], leaf["earlyRenewalHours"]) == (48, 24)
    assert authority["validityHours"] > 100 * leaf["validityHours"]


def test_a_certificate_has_the_names_that_it_was_asked_for(found: dict[str, Registration]) -> None:
    server = found["certs-server"].inputs
    assert (server["dnsNames"], server["ipAddresses"]) == (["a.example"], ["127.0.0.1"])
    client = found["certs-client"].inputs
    assert (client["dnsNames"], client.get("ipAddresses")) == ([], None)
