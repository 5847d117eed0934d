import base64
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.model.embeddings import vector

PATH = "/v1/embeddings"


def body(given="hello", **more):
    return {"model": "demo-embedding", "input": given, **more}


@pytest.mark.parametrize(
    ("given", "count", "tokens"),
    [("one two", 1, 2), (["a", "b c"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3), (["x", [5, 6]], 2, 3)],
)
def test_inputs(document, given, count, tokens):
    whole = document(PATH, body(given))
    assert [(one["object"], one["index"]) for one in whole["data"]] == [("embedding", at) for at in range(count)]
    assert {len(one["embedding"]) for one in whole["data"]} == {256}
    assert whole["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}


def test_base64_holds_the_same_numbers(document):
    floats = document(PATH, body(dimensions=5))["data"][0]["embedding"]
    octets = base64.b64decode(document(PATH, body(dimensions=5, encoding_format="base64"))["data"][0]["embedding"])
    assert list(struct.unpack("<5f", octets)) == floats


@given(st.text(), st.integers(1, 300))
def test_vectors_have_the_length_1_and_are_the_same_each_time(text, size):
    numbers = vector(text, size)
    assert len(numbers) == size
    assert math.isclose(sum(number * number for number in numbers), 1, rel_tol=1e-5)
    assert numbers == vector(text, size)


def test_texts_with_words_in_common_are_near():
    def near(a, b):
        return sum(x * y for x, y in zip(vector(a, 256), vector(b, 256), strict=True))

    assert near("red tea from Assam", "black tea from Assam") > near("red tea from Assam", "how to fix a bicycle") + 0.2
    assert near("dog bites man", "man bites dog") < 0.99


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": [1, "x"]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": {}}, "input"),
        ({"input": ["x"] * 2049}, "input"),
        ({"input": ["x"] * 2048, "dimensions": 4096}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 10**9}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_what_is_wrong_is_named(document, change, param):
    assert document(PATH, body() | change, status=400)["error"]["param"] == param
