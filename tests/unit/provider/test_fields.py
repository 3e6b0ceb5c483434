# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from provider.fields import array, boolean, check_fields, integer, mapping, record, text
from provider.values import UNKNOWN

FIELDS = {
    "name": text(),
    "kind": text(default="a", allowed=("a", "b")),
    "count": integer(default=1, minimum=1, maximum=9),
    "inner": record({"port": integer()}, default=None),
    "tags": array(text(), default=[]),
    "labels": mapping(text(), default={}),
    "on": boolean(default=False),
}


def test_defaults_are_filled_in() -> None:
    checked, problems = check_fields(FIELDS, {"name": "x"})
    assert not problems
    assert checked == {
        "name": "x", "kind": "a", "count": 1, "tags": [], "labels": {}, "on": False,
    }  # fmt: skip


def test_each_problem_stands_at_its_path() -> None:
    wrong = {
        "kind": "c",
        "count": 10,
        "inner": {"port": "x", "prot": 1},
        "tags": [1],
        "labels": {"a-b": 2},
        "on": "yes",
    }
    _, problems = check_fields(FIELDS, wrong)
    assert dict(problems) == {
        "name": "is required",
        "kind": "'c' is not allowed; one of: a, b",
        "count": "should be between 1 and 9, not 10",
        "inner.prot": 'unknown input; did you mean "port"? allowed: port',
        "inner.port": "should be a whole number",
        "tags[0]": "should be a string",
        'labels["a-b"]': "should be a string",
        "on": "should be true or false",
    }


def test_unknown_values_are_accepted_anywhere() -> None:
    given = {"name": UNKNOWN, "count": UNKNOWN, "inner": {"port": UNKNOWN}, "tags": [UNKNOWN]}
    checked, problems = check_fields(FIELDS, given)
    assert not problems
    assert checked["inner"] == {"port": UNKNOWN}
    assert check_fields(FIELDS, {**given, "inner": UNKNOWN})[1] == []


def test_checking_twice_changes_nothing() -> None:
    once, _ = check_fields(FIELDS, {"name": "x", "labels": {"a": None}})
    assert check_fields(FIELDS, once) == (once, [])
