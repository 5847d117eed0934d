import orjson
import pytest

from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.model import reading
from proxy_daemon.core.model.refusal import Refused, error_body


def refused(function, *args, **more):
    with pytest.raises(Refused) as caught:
        function(*args, **more)
    return caught.value


@pytest.mark.parametrize("body", [{}, {"a": None}])
def test_what_is_absent_or_null_is_none(body):
    assert reading.optional(body, "a", str) is None
    assert reading.integer(body, "a", 1, 2) is None


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("x", "a string"),
        (1.5, "a number"),
        (True, "a boolean"),
        ([], "a list"),
        ({}, "an object"),
        (None, "null"),
    ],
)
def test_the_message_names_place_expectation_and_what_came(value, word):
    error = refused(reading.required, {"a": value}, "a", int, where="b[0].")
    assert error.message == f"'b[0].a' must be an integer, but it is {word}."
    assert (error.param, error.status, error.code) == ("b[0].a", 400, "invalid_type")


@pytest.mark.parametrize("value", [0, 4, -(2**63), 2**64 - 1])
def test_integers_have_bounds(value):
    assert refused(reading.integer, {"a": value}, "a", 1, 3).message == f"'a' must be from 1 to 3, but it is {value}."


@pytest.mark.parametrize("value", [1, 3])
def test_bounds_are_inclusive(value):
    assert reading.integer({"a": value}, "a", 1, 3) == value


@pytest.mark.parametrize("content", [None, "x", [], [{"type": "text", "text": "a"}, {"type": "image"}, {"text": None}]])
def test_texts(content):
    reading.check_text(content, "c")


@pytest.mark.parametrize(("content", "place"), [(5, "c"), ({}, "c"), (["x"], "c[0]"), ([{}, {"text": 1}], "c[1].text")])
def test_what_is_no_text(content, place):
    assert refused(reading.check_text, content, "c").param == place


@pytest.mark.parametrize(
    ("value", "stops"), [(None, ()), ("", ()), ("x", ("x",)), ([], ()), (["a", "", "b"], ("a", "b"))]
)
def test_stops(value, stops):
    assert reading.stops_of(value, "stop") == stops


@pytest.mark.parametrize(
    ("status", "openai", "anthropic"),
    [
        (400, "invalid_request_error", "invalid_request_error"),
        (404, "invalid_request_error", "not_found_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "requests", "rate_limit_error"),
        (500, "server_error", "api_error"),
    ],
)
def test_error_bodies(status, openai, anthropic):
    error = Refused("Why.", "a", status, "word")
    assert orjson.loads(error_body(error, OpenAIChat(), "req_1")) == {
        "error": {"message": "Why.", "type": openai, "param": "a", "code": "word"}
    }
    assert orjson.loads(error_body(error, Anthropic(), "req_1")) == {
        "type": "error",
        "error": {"type": anthropic, "message": "Why."},
        "request_id": "req_1",
    }


@pytest.mark.parametrize("dialect", [*BUILT_IN, GENERIC], ids=lambda dialect: dialect.name)
def test_every_dialect_tells_why(dialect):
    assert b"Why." in error_body(Refused("Why.", "a", 400, "word"), dialect, "req_1")
