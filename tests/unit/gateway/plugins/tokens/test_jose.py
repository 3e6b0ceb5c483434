# SPDX-License-Identifier: Apache-2.0
"""Reading tokens and checking signatures: only what a key has signed with its algorithm is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.tokens import jose
from tests.support.tokens import encoded, private_key, public_jwk, public_pem, signed, unsigned


def read(token: bytes) -> jose.Jws:
    jws = jose.parse(token)
    assert isinstance(jws, jose.Jws)
    return jws


def material(algorithm: str, number: int = 0) -> bytes:
    if algorithm in jose.HS:
        return bytes(private_key(algorithm, number).raw_value)
    return public_pem(algorithm, number).encode()


ALL = pytest.mark.parametrize("algorithm", jose.ALGORITHMS)


@ALL
def test_a_signature_counts_with_the_key_that_made_it(algorithm: str) -> None:
    jws = read(signed({"a": 1}, algorithm))
    assert jws.claims == {"a": 1}
    assert jose.is_signed(jws, jose.import_key(algorithm, material(algorithm)))
    assert not jose.is_signed(jws, jose.import_key(algorithm, material(algorithm, 1)))


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS[3:])
def test_a_key_may_be_a_jwk(algorithm: str) -> None:
    jws = read(signed({"a": 1}, algorithm))
    assert jose.is_signed(jws, jose.import_key(algorithm, public_jwk(algorithm)))
    other = "ES256" if algorithm != "ES256" else "ES384"
    assert not jose.is_signed(jws, jose.import_key(algorithm, public_jwk(algorithm, alg=other)))
    assert not jose.is_signed(jws, jose.import_key(algorithm, public_jwk(algorithm, use="enc")))
    absent = dict.fromkeys(("kid", "alg", "use", "key_ops", "x5c", "x5t", "x5u"))
    assert jose.is_signed(jws, jose.import_key(algorithm, {**public_jwk(algorithm), **absent}))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_public_key_is_no_secret(algorithm: str) -> None:
    # The text of a public key, known to all, must not verify what is signed with it as a secret.
    import hmac

    pem = material(algorithm)
    head = encoded({"alg": "HS256"}) + b"." + encoded({"a": 1})
    jws = read(head + b"." + encoded(hmac.digest(pem, head, "sha256")))
    for key in (jose.import_key(algorithm, pem), jose.import_key("HS256", pem)):
        assert not jose.is_signed(jws, key)


@ALL
@settings(max_examples=20)
@given(st.data())
def test_a_changed_token_is_not_signed(algorithm: str, data: st.DataObject) -> None:
    token = bytearray(signed({"sub": "ann", "exp": 1}, algorithm))
    place = data.draw(st.integers(0, len(token) - 1))
    token[place] = data.draw(st.sampled_from(b"ABab01-_.=+/ {"))
    jws = jose.parse(bytes(token))
    if isinstance(jws, jose.Jws) and jws.algorithm == algorithm:
        whole = read(signed({"sub": "ann", "exp": 1}, algorithm))
        same = (jws.signed, jws.signature) == (whole.signed, whole.signature)
        if algorithm not in jose.HS and algorithm[:2] in ("ES", "PS"):
            # Signed anew, the signature differs: what was signed must still be the same.
            same = jws.signed == whole.signed
        if jose.is_signed(jws, jose.import_key(algorithm, material(algorithm))):
            assert same


@pytest.mark.parametrize("length", [0, 1, 31, 63, 65, 96, 132, 256, 5000])
@ALL
def test_signatures_of_wrong_lengths_are_none(algorithm: str, length: int) -> None:
    head = signed({}, algorithm).rpartition(b".")[0]
    jws = read(head + b"." + encoded(b"\x01" * length))
    assert not jose.is_signed(jws, jose.import_key(algorithm, material(algorithm)))


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_a_key_of_another_curve_is_none(algorithm: str) -> None:
    others = {"ES256", "ES384", "ES512"} - {algorithm}
    jws = read(signed({}, algorithm))
    for other in others:
        assert not jose.is_signed(jws, jose.import_key(algorithm, material(other)))


@pytest.mark.parametrize(
    ("algorithm", "given"),
    [
        ("RS256", b""),
        ("RS256", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        ("ES384", b"nonsense"),
        ("EdDSA", b"\xff\xfe"),
        ("HS256", b""),
        ("RS256", {"kty": "RSA"}),
        ("RS256", {"kty": "oct", "k": "AAAA"}),
        ("ES256", {"kty": "EC", "crv": "P-256", "x": 1, "y": None}),
        ("ES256", {}),
    ],
)
def test_what_is_no_key_verifies_nothing(algorithm: str, given: Any) -> None:
    key = jose.import_key(algorithm, given)
    assert not jose.is_signed(read(signed({}, algorithm)), key)


@pytest.mark.parametrize(
    "header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"b64": True}]
)
def test_extensions_that_must_be_understood_are_not(header: dict[str, Any]) -> None:
    jws = read(signed({}, "HS256", header=header))
    assert not jose.is_signed(jws, jose.import_key("HS256", material("HS256")))


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (b"", jose.BAD_JSON),
        (b"X", jose.BAD_JSON),
        (b"a.b", jose.BAD_JSON),
        (b"..", jose.BAD_JSON),
        (b"...", jose.BAD_JSON),
        (b"e30.e30.e30", jose.BAD_ALGORITHM),
        (b"e30." + encoded(b"{") + b".e30", jose.BAD_JSON),
        (b"e30.\xff\xff.e30", jose.BAD_JSON),
        (encoded(b"[]") + b".e30.e30", jose.BAD_ALGORITHM),
        (encoded(b"1") + b".e30.e30", jose.BAD_ALGORITHM),
        (unsigned({}), jose.BAD_ALGORITHM),
        (unsigned({}, "None"), jose.BAD_ALGORITHM),
        (unsigned({}, "hs256"), jose.BAD_ALGORITHM),
        (unsigned({}, "A128KW"), jose.BAD_ALGORITHM),
        (encoded({"alg": ["HS256"]}) + b".e30.", jose.BAD_ALGORITHM),
        (encoded({"alg": None}) + b".e30.", jose.BAD_ALGORITHM),
        (signed([]), jose.BAD_CLAIMS),
        (signed("text"), jose.BAD_CLAIMS),
        (signed(None), jose.BAD_CLAIMS),
        (signed({}) + b".e30", jose.BAD_SIGNATURE),
        (signed({}) + b"A!", jose.BAD_SIGNATURE),
        (b"[" * 100_000, jose.BAD_JSON),
        (encoded(b"[" * 20_000) + b".e30.e30", jose.BAD_JSON),
        (signed({"a": "x" * 70_000}), jose.BAD_JSON),
    ],
)
def test_what_is_no_token_has_its_reason(token: bytes, problem: str) -> None:
    assert jose.parse(token) == problem


@settings(max_examples=50)
@given(st.binary(max_size=300) | st.builds(b".".join, st.lists(st.binary(max_size=40))))
def test_no_bytes_raise(token: bytes) -> None:
    assert jose.parse(token)


@pytest.mark.parametrize("text", [b"", b"a", b"ab", b"abc", b"abcd", bytes(range(256))])
def test_base64url_is_read_with_and_without_padding(text: bytes) -> None:
    from base64 import b64encode, urlsafe_b64encode

    for spelled in (encoded(text), urlsafe_b64encode(text), b64encode(text)):
        assert jose.decoded(spelled) == text


@pytest.mark.parametrize("part", [b"a", b"ab!d", b"a=b", b" ab", b"ab\n"])
def test_other_text_is_no_base64url(part: bytes) -> None:
    assert jose.decoded(part) is None
