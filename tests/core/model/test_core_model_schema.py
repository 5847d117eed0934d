import orjson
import pytest

from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.schema import value_text

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}


def value(schema, text="Is it warm in Paris or in New York, for 3 or 4.5 days?"):
    return orjson.loads(value_text(schema, text))


def obj(required=None, **properties):
    return {"type": "object", "properties": properties, "required": required or list(properties)}


STRING = {"type": "string"}
NUMBER = {"type": "number"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (CITY, {"city": "Paris"}),
        ({**CITY, "required": []}, {}),
        ({"properties": CITY["properties"]}, {"city": "Paris", "days": 3}),
        (obj(a=STRING, b=STRING, c=STRING), {"a": "Paris", "b": "New York", "c": "New York"}),
        (obj(a=NUMBER, b=NUMBER, c=NUMBER), {"a": 3, "b": 4.5, "c": 1}),
        (obj(a={"enum": ["x", "y"]}, b={"const": None}), {"a": "x", "b": None}),
        (obj(a={"type": "boolean"}, b={"type": "null"}), {"a": True, "b": None}),
        (obj(a={"type": ["null", "integer"]}), {"a": 3}),
        (obj(a={"anyOf": [{"type": "null"}, {"type": "integer"}]}), {"a": 3}),
        (obj(a={"oneOf": [{"type": "null"}]}), {"a": None}),
        (obj(a={"type": "array", "items": STRING}), {"a": ["Paris"]}),
        (obj(a={"type": "array", "items": NUMBER, "minItems": 2}), {"a": [3, 4.5]}),
        (obj(a={"type": "array", "maxItems": 0}), {"a": []}),
        (obj(a={"type": "array", "prefixItems": [NUMBER, STRING]}), {"a": [3, "Paris"]}),
        ({**obj(a={"$ref": "#/$defs/x~1y"}), "$defs": {"x/y": {"enum": [7]}}}, {"a": 7}),
        ({"allOf": [obj(a=STRING), {"$ref": "#/$defs/b"}], "$defs": {"b": obj(b=NUMBER)}}, {"a": "Paris", "b": 3}),
        (obj(a={**STRING, "minLength": 7}, b={**STRING, "maxLength": 3}), {"a": "Paris..", "b": "New"}),
        (obj(a={**STRING, "format": "date"}), {"a": "2025-01-01"}),
        (obj(a={}, b=True, c="nonsense"), {"a": "Paris", "b": "New York", "c": "New York"}),
        (True, "Paris"),
    ],
)
def test_values_fit_the_schema(schema, expected):
    assert value(schema) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"minimum": 5}, 5),
        ({"maximum": 2}, 2),
        ({"exclusiveMinimum": 3}, 4),
        ({"exclusiveMaximum": 3}, 2),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"exclusiveMinimum": 0, "maximum": 1}, 1),
        ({"multipleOf": 2}, 4),
        ({"multipleOf": 0}, 3),
        ({"multipleOf": 5e-324}, 3),
        ({"minimum": 1e300}, 2**53),
        ({"minimum": True, "maximum": "9"}, 3),
    ],
)
def test_numbers_keep_their_bounds(bounds, expected):
    assert value({"type": "number", **bounds}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("look up 'red shoes' in Rome", "red shoes"),
        ("search “blue” now", "blue"),
        ("what is the weather there?", "what is the weather there?"),
        ("don't ask, that's it", "don't ask, that's it"),
        ("", "demo"),
    ],
)
def test_strings_come_from_the_text(text, expected):
    assert value(STRING, text) == expected


LOOP = {"$ref": "#"}
TREE = obj(name=STRING, children={"type": "array", "items": {"$ref": "#"}})


def test_a_tree_ends():
    assert value(TREE)["children"][0]["name"] == "New York"


@pytest.mark.parametrize(
    "schema",
    [
        LOOP,
        obj(a={"$ref": "#"}),
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "array", "minItems": 10**9},
        {"type": "array", "items": {"type": "array", "minItems": 400}, "minItems": 400},
        {"type": "string", "minLength": 10**9},
        {"const": "x" * 5000},
        obj(["x" * 5000]),
        {"properties": {str(number): {} for number in range(501)}},
        {"type": "array", "items": {"const": "x" * 4000}, "minItems": 100},
    ],
)
def test_schemas_that_ask_for_too_much_are_refused(schema):
    with pytest.raises(Refused, match="JSON schema"):
        value_text(schema, "x")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/nowhere"},
        {"$ref": "http://example.com/x"},
        {"type": "object", "properties": [], "required": {}},
        {"type": "object", "properties": {}, "required": [1, None, "a"]},
        {"type": 7},
        {"type": []},
        {"enum": []},
        {"anyOf": {}},
        {"type": "array", "items": 5, "minItems": -1},
        {"type": "string", "minLength": "x", "format": []},
    ],
)
def test_broken_schemas_still_give_json(schema):
    value(schema)
