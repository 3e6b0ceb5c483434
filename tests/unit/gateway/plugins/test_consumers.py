# SPDX-License-Identifier: Apache-2.0
"""Consumers by their credentials and groups, and what a request shows of them."""

from __future__ import annotations

import pytest

from gateway.errors import ReleaseRefused
from gateway.plugins.consumers import CREDENTIALS, Consumers, virtual
from tests.support.producing import request

ANN = {"id": "c-ann", "username": "ann\r\nx: 1", "custom_id": "7"}
BOB = {"id": "c-bob", "username": "7", "custom_id": None}


def key(id_: str, text: str, consumer: str = "c-ann", **more: object) -> dict[str, object]:
    return {"id": id_, "key": text, "consumer": consumer, "created_at": 0, "ttl": None, **more}


def with_keys(*keys: dict[str, object]) -> Consumers:
    return Consumers({"consumers": [ANN], "keyauth_credentials": keys})


def test_a_key_finds_its_consumer_whose_headers_replace_claimed_ones() -> None:
    found = with_keys(key("k", "secret")).credentials("keyauth_credentials")[b"secret"]
    asked = request(headers=[("x-consumer-id", "another")])
    found.put_on(asked)
    assert asked.consumer is ANN
    headers = dict(asked.headers)
    assert headers[b"x-consumer-id"] == b"c-ann"
    assert headers[b"x-consumer-username"] == b"ann  x: 1"
    assert headers[b"x-credential-identifier"] == b"k"


@pytest.mark.parametrize("collection", CREDENTIALS)
def test_each_credential_is_found_by_its_public_field_and_shows_its_name(collection: str) -> None:
    public, shown = CREDENTIALS[collection]
    row = {"id": "k", "consumer": "c-ann", public: "ä public", "created_at": 0}
    found = Consumers({"consumers": [ANN], collection: [row]}).credentials(collection)
    identity = found["ä public".encode()]
    assert identity.credential is row
    assert dict(identity.headers)[b"x-credential-identifier"] == str(row[shown]).encode()


def test_a_credential_says_until_when_it_holds() -> None:
    found = with_keys(key("a", "short", ttl=1), key("b", "long"), key("c", "zero", ttl=0))
    identities = found.credentials("keyauth_credentials")
    assert identities[b"short"].expires == 1
    assert identities[b"long"].expires == identities[b"zero"].expires == float("inf")


def test_a_credential_without_a_consumer_finds_none() -> None:
    found = with_keys(key("b", "lost", consumer="gone"))
    assert not found.credentials("keyauth_credentials")


@pytest.mark.parametrize("collection", CREDENTIALS)
def test_two_credentials_with_one_field_refuse_the_release_without_naming_it(
    collection: str,
) -> None:
    field = CREDENTIALS[collection][0]
    rows = [{"id": id_, "consumer": "c-ann", field: "open sesame", "created_at": 0} for id_ in "ab"]
    with pytest.raises(ReleaseRefused, match=f"a and b have the same {field}") as caught:
        Consumers({"consumers": [ANN], collection: rows})
    assert "sesame" not in str(caught.value)


def test_a_consumer_is_found_by_the_fields_asked_for_in_their_order() -> None:
    consumers = Consumers({"consumers": [ANN, BOB]})
    assert consumers.find("7", "custom_id", "username") is ANN
    assert consumers.find("7", "username", "custom_id") is BOB
    assert consumers.find("7", "id") is None


def test_the_anonymous_consumer_is_named_by_id_or_user_name_alone() -> None:
    consumers = Consumers({"consumers": [ANN, BOB]})
    for name in ("c-bob", "7"):
        identity = consumers.anonymous(name)
        assert identity is not None
        assert identity.consumer is BOB
    assert consumers.anonymous("c-none") is None


def test_an_identity_of_another_system_may_have_no_consumer() -> None:
    asked = request(headers=[("x-consumer-id", "another"), ("x-authenticated-groups", "admin")])
    virtual("sub\n1", groups=("staff",)).put_on(asked)
    assert asked.consumer is None
    assert asked.credential == {"id": "sub\n1"}
    assert asked.headers[1:] == [(b"x-credential-identifier", b"sub 1")]
    assert asked.authenticated_groups == ("staff",)


def test_groups_that_an_earlier_proof_named_go_with_it() -> None:
    asked = request()
    virtual("sub", groups=("staff",), consumer_groups=({"id": "g", "name": "gold"},)).put_on(asked)
    with_keys(key("k", "secret")).credentials("keyauth_credentials")[b"secret"].put_on(asked)
    assert (asked.authenticated_groups, asked.consumer_groups) == (None, None)


def test_a_consumer_has_its_acl_groups_and_its_consumer_groups_by_name() -> None:
    groups = [{"id": "g1", "name": "b"}, {"id": "g2", "name": "a"}]
    consumers = Consumers(
        {
            "consumers": [ANN, BOB],
            "acls": [{"consumer": "c-ann", "group": name} for name in ("z", "y")],
            "consumer_groups": groups,
            "consumer_group_consumers": [
                {"consumer": "c-ann", "consumer_group": id_} for id_ in ("g1", "g2", "gone")
            ],
        }
    )
    assert consumers.acl_groups(ANN) == ["z", "y"]
    assert consumers.acl_groups(BOB) == ()
    assert consumers.group("a") is groups[1]
    assert consumers.named_groups(["b", "none", "a", "b"]) == (groups[1], groups[0])
    asked = request()
    assert consumers.groups_of(asked) == ()
    asked.consumer = ANN
    assert [group["name"] for group in consumers.groups_of(asked)] == ["a", "b"]
    asked.consumer_groups = (groups[0],)
    assert consumers.groups_of(asked) == (groups[0],)
    asked.consumer_groups = ()
    assert consumers.groups_of(asked) == ()


def test_of_names_that_differ_in_case_alone_none_is_found_without_it() -> None:
    rows = [{"id": name, "username": name, "custom_id": None} for name in ("Ann", "aNN", "Bob")]
    found = Consumers({"consumers": rows})
    assert found.find_username("ann") is None
    assert found.find_username("bob") == rows[2]
    assert found.find("Ann", "username") == rows[0]


def test_headers_that_came_without_a_claim_are_not_looked_through_but_those_set_since_are() -> None:
    found = with_keys(key("k", "secret")).credentials("keyauth_credentials")[b"secret"]
    asked = request()
    asked.unclaimed = asked.headers
    came = list(asked.headers)
    found.put_on(asked)
    assert asked.headers == came + found.headers
    assert asked.unclaimed == came
    asked = request()
    asked.unclaimed = asked.headers
    asked.put_headers([(b"x-consumer-id", b"another")])
    found.put_on(asked)
    assert asked.headers == came + found.headers


def test_another_proof_leaves_nothing_of_the_one_before() -> None:
    asked = request()
    groups = ({"id": "g"},)
    virtual("t", ANN, groups=["a"], consumer_groups=groups, claims={"sub": "x"}).put_on(asked)
    assert (asked.authenticated_groups, asked.consumer_groups) == (["a"], groups)
    with_keys(key("k", "secret")).credentials("keyauth_credentials")[b"secret"].put_on(asked)
    assert asked.authenticated_groups is None
    assert asked.consumer_groups is None
    assert asked.claims is None
