# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from provider.values import UNKNOWN
from tests.support.provider import CallError, Harness

TOKEN = "gateway:index:Credential"


def test_a_credential_is_random_and_its_secret_is_wrapped() -> None:
    one, other = Harness(TOKEN), Harness(TOKEN)
    made = one.create({"prefix": "api", "length": 40})
    assert made["key"].startswith("api-")
    assert len(made["secret"]) == 40
    assert made["secret"] != other.create({})["secret"]
    assert one.secrets == {("secret",)}
    assert one.id == "project/test/it"


def test_it_is_kept_until_its_keepers_change() -> None:
    harness = Harness(TOKEN)
    harness.create({"keepers": {"generation": "1"}})
    assert harness.diff() == {}
    news = harness.check({"keepers": {"generation": "2"}})
    assert harness.diff(news) == {"keepers.generation": "UPDATE_REPLACE"}


def test_at_preview_key_and_secret_are_unknown() -> None:
    made = Harness(TOKEN).create({}, preview=True)
    assert made["key"] == made["secret"] == UNKNOWN


def test_a_refresh_keeps_it_and_an_import_says_why_not() -> None:
    harness = Harness(TOKEN)
    harness.create({})
    assert harness.read() == (harness.id, harness.inputs, harness.outputs)
    harness.outputs = {}
    with pytest.raises(CallError, match="cannot be imported"):
        harness.read()


def test_deleting_it_twice_is_quiet() -> None:
    harness = Harness(TOKEN)
    harness.create({})
    harness.delete()
    harness.delete()
