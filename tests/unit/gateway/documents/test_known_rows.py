# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents import known_rows
from gateway.documents.deck import load_deck
from gateway.documents.document import to_table
from gateway.documents.known_rows import KnownRows
from gateway.entities.validation import examine
from gateway.errors import DocumentError

FULL = Path("tests/vectors/routes-in-full.yaml")
PLACEHOLDERS = {
    "kafka.bootstrap_servers": [{"host": "h", "port": 9092}],
    "kafka.topics.topictest": "topictest",
    "stack.name": "local",
}

_PATHS = st.sampled_from(["/a", "/b", "~/c", "no path"])
_ROUTES = st.fixed_dictionaries(
    {"paths": st.lists(_PATHS, min_size=1, max_size=2)},
    optional={
        "preserve_host": st.sampled_from([True, False, 1, 0, 1.0, "true", None]),
        "regex_priority": st.sampled_from([0, 1, True, 1.0, 1.5, 2**70]),
        "tags": st.lists(st.sampled_from(["x", "y"]), max_size=2),
    },
)
_CONSUMERS = st.fixed_dictionaries(
    {"basicauth_credentials": st.just({"u": {"password": "p"}})},
    optional={"custom_id": st.sampled_from(["1", "2"])},
)
_DOCUMENTS = st.fixed_dictionaries(
    {
        "routes": st.dictionaries(st.sampled_from("rs"), _ROUTES),
        "consumers": st.dictionaries(st.sampled_from("cd"), _CONSUMERS),
    }
)


def _rows(document: dict[str, Any], now: int, known: KnownRows | None) -> Any:
    try:
        # Repr tells 1 from True and 1.0.
        return repr(to_table(document, "o", now, known=known))
    except DocumentError as error:
        return error.problems


@given(st.lists(_DOCUMENTS, min_size=2, max_size=4))
def test_no_document_is_read_otherwise_because_of_those_before(
    documents: list[dict[str, Any]],
) -> None:
    known = KnownRows()
    for now, document in enumerate(documents):
        expected = _rows(document, now, None)
        assert _rows(document, now, known) == expected
        assert _rows(document, now + 7, known) == _rows(document, now + 7, None)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the collections of the entities that are checked."""
    found: list[str] = []

    def noted(entity: Any, data: Any) -> Any:
        found.append(entity.collection)
        return examine(entity, data)

    monkeypatch.setattr(known_rows, "examine", noted)
    yield found


def test_only_what_changed_is_checked_again(checked: list[str]) -> None:
    document = load_deck(FULL, PLACEHOLDERS)
    known = KnownRows()
    to_table(document, "o", 1, known=known)
    checked.clear()
    to_table(document, "o", 2, known=known)
    assert checked == []
    changed = deepcopy(document)
    next(iter(changed["services"].values()))["retries"] = 7
    to_table(changed, "o", 3, known=known)
    assert checked == ["services"]
    checked.clear()
    # Only the last document is kept.
    to_table(document, "o", 4, known=known)
    assert checked == ["services"]


def test_a_document_that_is_refused_does_not_count(checked: list[str]) -> None:
    known = KnownRows()
    good, bad = {"routes": {"r": {"paths": ["/a"]}}}, {"routes": {"s": {"paths": ["a"]}}}
    to_table(good, "o", 1, known=known)
    with pytest.raises(DocumentError):
        to_table(bad, "o", 2, known=known)
    checked.clear()
    to_table(good, "o", 3, known=known)
    assert checked == []


def test_what_one_reading_changes_is_not_in_the_next() -> None:
    known = KnownRows()
    document = {"routes": {"r": {"paths": ["/a"]}}}
    to_table(document, "o", 1, known=known)["routes"][0]["paths"].append("/b")
    again = to_table(document, "o", 1, known=known)
    again["routes"][0]["paths"].append("/c")
    assert to_table(document, "o", 1, known=known)["routes"][0]["paths"] == ["/a"]
