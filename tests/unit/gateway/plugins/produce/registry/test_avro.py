# SPDX-License-Identifier: Apache-2.0
"""JSON values as Avro, and what does not fit."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SchemaMismatch, SchemaUnusable
from gateway.plugins.produce.registry.serializer import Registered, Serializer


def serializer(schema: Any, *, simple: bool = True, references: Any = ()) -> Serializer:
    texts = tuple((one["name"], orjson.dumps(one).decode()) for one in references)
    text = orjson.dumps(schema).decode()
    return Serializer(Registered(7, "AVRO", text, texts), simple=simple)


def read(schema: Any, value: Any, *, simple: bool = True) -> Any:
    """Return what a reader finds of a JSON value; a union's branch is told for records only."""
    written = serializer(schema, simple=simple).value(orjson.dumps(value))
    assert written[:5] == b"\0\0\0\0\7"
    return fastavro.schemaless_reader(BytesIO(written[5:]), fastavro.parse_schema(schema), None)


def problem(schema: Any, value: Any, *, simple: bool = True) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        serializer(schema, simple=simple).value(orjson.dumps(value))
    return str(caught.value)


def record(*fields: tuple[str, Any], name: str = "R") -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": one, "type": kind} for one, kind in fields],
    }


COLOUR = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}
PAIR = {"type": "fixed", "name": "Pair", "size": 2}


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("float", 0.5, 0.5),
        ("double", 3, 3.0),
        ("string", "é", "é"),
        ("bytes", "\u00ff\u0000", b"\xff\x00"),
        (COLOUR, "BLUE", "BLUE"),
        (PAIR, "ab", b"ab"),
        ({"type": "array", "items": "int"}, [1, 2], [1, 2]),
        ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
        ({"type": "string"}, "a", "a"),
        (record(("a", "int")), {"a": 1, "unknown": 2}, {"a": 1}),
        ({"type": "array", "items": ["null", "string"]}, [None, "a"], [None, "a"]),
    ],
)
def test_values_are_read_back(schema: Any, value: Any, found: Any) -> None:
    assert read(schema, value) == found


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ("int", 2**31, "$ is too large for an int"),
        ("int", True, "$ must be an int, is a boolean"),
        ("int", 1.0, "$ must be an int, is a number"),
        ("long", 2**63, "$ is too large for a long"),
        ("float", 1e300, "$ is too large for a float"),
        ("double", "1", "$ must be a number, is a string"),
        ("string", None, "$ must be a string, is null"),
        ("bytes", "\u0100", "$ must be bytes: characters up to U+00FF"),
        (COLOUR, "GREEN", "$ must be one of RED, BLUE"),
        (PAIR, "abc", "$ must have 2 bytes, has 3"),
        ({"type": "array", "items": "int"}, [1, "x"], "$[1] must be an int, is a string"),
        ({"type": "map", "values": "int"}, [], "$ must be a map, is an array"),
        (record(("a", record(("b", "int"), name="S"))), {"a": {}}, "$.a.b is missing and has no"),
        (record(("a", ["null", "int"])), {"a": "x"}, "$.a fits no branch of the union: null, int"),
        (
            record(("a", ["null", record(("b", "int"), name="S")])),
            {"a": {"b": "x"}},
            "$.a.b must be an int",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(schema: Any, value: Any, said: str) -> None:
    assert problem(schema, value).startswith(said)


@pytest.mark.parametrize(
    ("union", "value", "first"),
    [
        (["double", "long"], 5, b"\x00"),
        (["double", "long"], 3_000_000_000, b"\x02"),
        (["int", "string"], {"string": "x"}, b"\x02"),
        (["null", {"type": "map", "values": "string"}], {"map": "x"}, b"\x02"),
        (["null", "string", COLOUR], "RED", b"\x02"),
        (["null", "string", COLOUR], {"Colour": "RED"}, b"\x04"),
    ],
)
def test_simple_json_chooses_the_branch(union: Any, value: Any, first: bytes) -> None:
    assert serializer(union).value(orjson.dumps(value))[5:6] == first


def test_avro_json_has_no_default_for_a_nullable_field() -> None:
    schema = record(("a", ["null", "int"]))
    assert problem(schema, {}, simple=False) == "$.a is missing and has no default"
    assert read(schema, {}) == {"a": None}


def test_a_default_of_a_union_is_of_the_branch_that_fits() -> None:
    schema = record(("a", ["null", "int"]), ("b", ["string", "null"]))
    schema["fields"][0]["default"] = None
    schema["fields"][1]["default"] = "x"
    assert read(schema, {}, simple=False) == {"a": None, "b": "x"}


def test_named_types_may_contain_themselves_and_come_from_references() -> None:
    chain = record(("next", ["null", "R"]))
    assert read(chain, {"next": {"next": None}}) == {"next": {"next": None}}
    item = record(("n", "int"), name="shop.Item")
    order = record(("item", "shop.Item"), name="shop.Order")
    assert serializer(order, references=[item]).value(b'{"item": {"n": 1}}')[5:] == b"\x02"


def test_logical_types_take_the_value_beneath() -> None:
    stamp = {"type": "long", "logicalType": "timestamp-millis"}
    written = serializer(stamp).value(b"1")
    assert written[5:] == b"\x02"


def test_nested_branches_that_fit_but_for_a_leaf_cost_no_more() -> None:
    kinds = ["null", "A", record(("next", ["null", "A", "B"]), name="B")]
    schema = record(("next", kinds), name="A")
    text = b'{"next":' * 150 + b"5" + b"}" * 150
    with pytest.raises(SchemaMismatch, match="fits no branch"):
        serializer(schema).value(text)


def test_what_is_nested_too_deeply_is_refused() -> None:
    schema = record(("next", ["null", "R"]))
    with pytest.raises(SchemaMismatch, match="nested too deeply"):
        serializer(schema).value(b'{"next":' * 1000 + b"null" + b"}" * 1000)


@pytest.mark.parametrize("schema", [{"type": "record"}, {"type": "nothing"}, 5, "shop.Item"])
def test_what_is_no_schema_cannot_be_used(schema: Any) -> None:
    with pytest.raises(SchemaUnusable):
        serializer(schema)


def test_a_key_is_a_string_where_the_schema_takes_one() -> None:
    assert serializer("string").key(b"12")[5:] == b"\x0412"
    assert serializer("long").key(b"12")[5:] == b"\x18"
    with pytest.raises(SchemaMismatch):
        serializer("long").key(b"\xff")


def test_a_message_that_is_no_json_counts_as_a_string() -> None:
    assert serializer("string").value(b"plain")[5:] == b"\x0aplain"
    with pytest.raises(SchemaMismatch, match="is not JSON"):
        serializer("int").value(b"{")


_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
_NAMES: list[Any] = ["null", "boolean", "long", "string"]
_ANYTHING = [*_NAMES, {"type": "array", "items": _NAMES}, {"type": "map", "values": _NAMES}]


@given(_SCALARS | st.lists(_SCALARS) | st.dictionaries(st.text(max_size=3), _SCALARS))
def test_plain_json_is_read_back(value: Any) -> None:
    assert read(record(("value", _ANYTHING)), {"value": value}) == {"value": value}


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 310, "9" * 5000])
def test_numbers_that_no_double_holds_are_refused(number: str) -> None:
    for kind in ("double", "float"):
        made = Serializer(Registered(1, "AVRO", f'"{kind}"'), simple=False)
        with pytest.raises(SchemaMismatch, match="is too large for a double"):
            made.value(number.encode())
