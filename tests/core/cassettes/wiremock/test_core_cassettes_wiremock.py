"""WireMock's mapping files: which requests each stub answers, with what, and why others are left out."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.wiremock.asked import NotSaid
from proxy_daemon.core.cassettes.wiremock.format import WireMock
from proxy_daemon.core.cassettes.wiremock.requests import pattern_of, request_of
from proxy_daemon.core.matching.patterns.patterns import answers
from proxy_daemon.core.messages import Recording, Request, Unknown

CHAT = {"method": "POST", "url": "/v1/chat/completions"}
JSON = {"Content-Type": "application/json"}


def stub(request=None, response=None, **more):
    return {"request": request or CHAT, "response": {"headers": JSON, "jsonBody": {"a": 1}} | (response or {}), **more}


def read(*stubs, form=None):
    data = json.dumps({"mappings": stubs} if form is None else form)
    return list(formats.read("m.json", data.encode()))


def one(request=None, response=None, **more):
    (found,) = read(stub(request, response, **more))
    return found


# --- a file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [stub(), [stub()], {"mappings": [stub()], "meta": {"total": 1}}])
def test_each_form_of_a_file(form):
    (found,) = read(form=form)
    assert (found.request.method, found.request.target) == (b"POST", b"/v1/chat/completions")
    assert (found.status, found.response.body.whole(), found.written) == (200, b'{"a":1}', True)
    assert Unknown.REQUEST in found.unknown
    assert answers(found.pattern, Request(b"POST", b"/v1/chat/completions"))


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (json.dumps(stub()), True),
        (json.dumps({"id": "1", "name": "n", **stub()}), True),
        (json.dumps({"priority": 1, "request": {"urlPathPattern": "/.*"}, "response": {}}), True),
        ('{"request": {"url": "https://api.example/x"}, "response": {"body": "{\\"urlPath\\": 1}"}}', False),
        ('{"log": {"entries": [{"request": {"url": "/x"}}]}}', False),
        ('{"mappings": []}', False),
        ('{"interactions": [{"request": {"url": "/x"}}]}', False),
        ("", False),
        ("[]", False),
    ],
    ids=range(9),
)
def test_recognised(data, known):
    assert WireMock().recognises("m.json", data.encode()) is known


@pytest.mark.parametrize("data", [b'{"mappings": 5}', b'"x"', b'{"request"', b'{"mappings": {}}'])
def test_files_that_are_none(data):
    with pytest.raises(Unreadable, match=r"m\.json: "):
        list(WireMock().read("m.json", data))


def test_the_first_to_be_asked_comes_first():
    stubs = [stub({"urlPath": f"/{name}"}, priority=priority) for name, priority in (("a", 9), ("b", 5), ("c", 1))]
    stubs.append(stub({"urlPath": "/d"}))
    assert [each.pattern.path for each in read(*stubs)] == ["/c", "/d", "/b", "/a"]


def test_what_another_hides_is_left_out():
    found = read(stub(), stub(response={"jsonBody": {"b": 2}}))
    assert (found[0].response.body.whole(), found[1].entry) == (b'{"b":2}', 0)
    assert "asked before it" in found[1].reason


# --- requests --------------------------------------------------------------------------------------------------------

ASKED = [
    ({"url": "/v1/x"}, b"/v1/x", True),
    ({"url": "/v1/x"}, b"/v1/x?a=b", False),
    ({"url": "/v1/x?a=b&c=d"}, b"/v1/x?c=d&a=b", True),
    ({"url": "/v1/x?a=b"}, b"/v1/x?a=b&c=d", False),
    ({"url": "/v1/x?a=b"}, b"/v1/x", False),
    ({"urlPath": "/v1/x"}, b"/v1/x?a=b", True),
    ({"urlPath": "/v1/%C3%BC"}, b"/v1/%c3%bc", True),
    ({"urlPathPattern": "/v1/.*"}, b"/v1/a/b?c", True),
    ({"urlPathPattern": "/v1/[^/]+/b"}, b"/v1/a/b", True),
    ({"urlPathPattern": "/v1/[^/]+/b"}, b"/v1/a/a/b", False),
    ({"urlPathPattern": r"^/v1\.5/x$"}, b"/v1.5/x", True),
    ({"urlPathPattern": r"/v1\.5/x"}, b"/v1x5/x", False),
    ({"urlPattern": "/v1/.*"}, b"/v1/a?b=c", True),
    ({"urlPattern": "/v1/x"}, b"/v1/x?b=c", False),
    ({"urlPathTemplate": "/v1/models/{id}:generateContent"}, b"/v1/models/m-1:generateContent?key=x", True),
    ({"urlPathTemplate": "/v1/models/{id}"}, b"/v1/models/a/b", False),
    ({"urlPath": "/x", "queryParameters": {"a": {"equalTo": "b"}}}, b"/x?c=d&a=b", True),
    ({"urlPath": "/x", "queryParameters": {"a": {"equalTo": "b"}}}, b"/x?a=bb", False),
    ({"urlPath": "/x", "queryParameters": {"a": {"contains": "b"}}}, b"/x?a=abc", True),
    ({"method": "GET", "urlPath": "/x"}, b"/x", False),
    ({"method": "ANY", "urlPath": "/x"}, b"/x", True),
    ({"headers": {}, "urlPath": "/x"}, b"/x", True),
    ({}, b"/whatever?x", True),
]


@pytest.mark.parametrize(("request_", "target", "fits"), ASKED, ids=range(len(ASKED)))
def test_which_requests_are_answered(request_, target, fits):
    assert answers(pattern_of(request_), Request(b"POST", target)) is fits


REFUSED = [
    ({"headers": {"A": {"equalTo": "b"}}}, "header fields"),
    ({"cookies": {"A": {"equalTo": "b"}}}, "cookies"),
    ({"basicAuthCredentials": {"username": "u"}}, "password"),
    ({"multipartPatterns": [{}]}, "parts of a form"),
    ({"host": {"equalTo": "x"}}, "a host"),
    ({"what": 1}, "something of an unknown kind"),
    ({"method": "P OST"}, "'method'"),
    ({"method": ["GET"]}, "'method'"),
    ({"url": "/a", "urlPath": "/a"}, "not said once"),
    ({"url": 5}, "not said once"),
    ({"url": "/" * 3000}, "not said once"),
    ({"url": "a"}, "no path"),
    ({"url": "/a b"}, "no path"),
    ({"urlPath": "/a?b"}, "no path"),
    ({"urlPath": "/a*"}, "star"),
    ({"urlPath": "/a%2Fb"}, "encoded slash"),
    ({"url": "/a?b=*"}, "query with a star"),
    ({"url": "/a?b=1&b=2"}, "stands twice"),
    ({"urlPattern": r"/a\?b=.*"}, "path with wildcards"),
    ({"urlPathPattern": "/a|/b"}, "path with wildcards"),
    ({"urlPathPattern": "/v1.5/x"}, "path with wildcards"),
    ({"urlPathPattern": "/(a+)+"}, "path with wildcards"),
    ({"urlPathPattern": r"/a\*"}, "path with wildcards"),
    ({"urlPathTemplate": "/{a"}, "template"),
    ({"queryParameters": []}, "no object"),
    ({"queryParameters": {"a": {"matches": "x"}}}, "more than a text"),
    ({"queryParameters": {"a": {"absent": True}}}, "more than a text"),
    ({"queryParameters": {"a": {"equalTo": "b", "caseInsensitive": True}}}, "more than a text"),
    ({"queryParameters": {"a": {"equalTo": "*"}}}, "more than a text"),
    ({"bodyPatterns": [{"contains": "x"}]}, "a body with contains"),
]


@pytest.mark.parametrize(("request_", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_what_a_pattern_cannot_ask_is_left_out(request_, reason):
    with pytest.raises(NotSaid, match=reason):
        pattern_of(request_)
    found = one({"urlPath": "/x"} | request_ if not any(name.startswith("url") for name in request_) else request_)
    assert isinstance(found, Skipped)
    assert reason in found.reason


@pytest.mark.parametrize("request_", [each for each, _, fits in ASKED if fits])
def test_a_stub_answers_the_request_that_stands_for_it(request_):
    pattern = pattern_of(
        {name: value for name, value in request_.items() if name != "queryParameters" and "?" not in str(value)}
    )
    assert answers(pattern, request_of(pattern))


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "body"),
    [
        ({"body": "t\xe9xt"}, "t\xe9xt".encode()),
        ({"jsonBody": [1, {"b": None}]}, b'[1,{"b":null}]'),
        ({"base64Body": base64.b64encode(b"\x89\xff").decode()}, b"\x89\xff"),
        ({}, b""),
    ],
)
def test_bodies(response, body):
    (found,) = read({"request": CHAT, "response": response})
    assert (found.response.body.whole(), found.cut) == (body, False)


def test_status_fields_and_delay():
    fields = {"Retry-After": "2", "X-A": ["1", "2"]}
    found = one(None, {"status": 429, "statusMessage": "Slow", "headers": fields, "fixedDelayMilliseconds": 250})
    assert (found.status, found.response.head.reason) == (429, b"Slow")
    assert found.response.head.headers.pairs == ((b"Retry-After", b"2"), (b"X-A", b"1"), (b"X-A", b"2"))
    assert (found.head_time, found.duration, list(found.response.pieces.times)) == (250_000, 250_000, [250_000])
    assert Unknown.DURATION not in found.unknown
    assert Unknown.DURATION in one(None, {"fixedDelayMilliseconds": -1}).unknown


LEFT_OUT = [
    ({"response": {"fault": "EMPTY_RESPONSE"}}, "a fault"),
    ({"response": {"proxyBaseUrl": "http://x"}}, "another server"),
    ({"response": {"transformers": ["response-template"]}}, "made of the request"),
    ({"response": {"body": "a", "jsonBody": {}}}, "more than once"),
    ({"response": {"base64Body": "\xe9"}}, "not base64"),
    ({"response": {"body": 5}}, "no text"),
    ({"response": {"status": "x"}}, "no status"),
    ({"response": {"headers": {"a b": "c"}}}, "does not allow"),
    ({"response": {"bodyFileName": "x.json"}}, "in a file within __files"),
    ({"response": []}, "should stand here"),
    ({"scenarioName": "s", "requiredScenarioState": "Started"}, "scenario"),
]


@pytest.mark.parametrize(("changes", "reason"), LEFT_OUT, ids=range(len(LEFT_OUT)))
def test_what_is_no_answer_is_left_out(changes, reason):
    (found,) = read({"request": CHAT, "response": {}} | changes)
    assert isinstance(found, Skipped)
    assert reason in found.reason


def test_entries_that_are_no_stubs():
    found = read(stub(), 5, {"request": CHAT})
    assert [type(each).__name__ for each in found] == ["Skipped", "Skipped", "Recording"]


FILES = {"a.json": b'{"f":1}', "deep/b.json": b"{}"}


def beside(file):
    assert file == "m.json"
    return FILES.__getitem__


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.json", b'{"f":1}'), ("deep/b.json", b"{}"), ("c.json", "cannot be read")]
    + [
        (name, "not within __files")
        for name in ("../a.json", "/a.json", "deep/../a.json", "", "./a.json", "a\\b", "a\0")
    ],
)
def test_bodies_in_files(name, found):
    data = json.dumps({"request": CHAT, "response": {"bodyFileName": name}}).encode()
    (made,) = WireMock(beside).read("m.json", data)
    assert found in made.reason if isinstance(found, str) else made.response.body.whole() == found


# --- as one of ours --------------------------------------------------------------------------------------------------


def test_a_secret_that_a_stub_asks_for_is_not_kept_and_still_answers():
    key = "sk-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"
    asked = {"method": "POST", "urlPath": "/v1/x", "queryParameters": {"key": {"equalTo": key}}}
    asked["bodyPatterns"] = [{"equalToJson": {"api_key": key, "a": "b"}}]
    adopter = Adopter()
    kept, _ = adopter.adopt(one(asked))
    assert key not in repr(kept.pattern) + repr(kept.request.body.whole())
    body = json.dumps({"api_key": key, "a": "b"}).encode()
    live = adopter.redactor.request(evolve_request(kept.request, b"/v1/x?key=" + key.encode(), body))
    assert answers(kept.pattern, live)


@pytest.mark.parametrize(
    "place", [{"urlPath": "/v1/%C3%BC/KEY/x"}, {"urlPathPattern": "/.*/KEY/x"}, {"url": "/KEY?a=b"}]
)
def test_a_secret_in_a_path_is_not_kept_and_still_answers(place):
    key = "sk-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"
    adopter = Adopter()
    kept, _ = adopter.adopt(one({name: value.replace("KEY", key) for name, value in place.items()}))
    assert key not in repr(kept.pattern) + repr(kept.request)
    target = next(iter(place.values())).replace("KEY", key).replace(".*", "a/b").encode()
    assert answers(kept.pattern, adopter.redactor.request(Request(b"POST", target)))
    assert not answers(kept.pattern, adopter.redactor.request(Request(b"POST", target.replace(key.encode(), b"other"))))


def evolve_request(request, target, body):
    return Request(request.method, target, request.headers, Bytes(body))


@pytest.mark.parametrize("status", [200, 429])
def test_a_stub_is_served(status):
    kept, why = Adopter(record_errors=True, record_broken=True).adopt(one(None, {"status": status}))
    assert (why, kept.replayable, kept.fingerprint) == ("", True, b"")


NAMES = ["method", "url", "urlPath", "urlPattern", "urlPathTemplate", "queryParameters", "bodyPatterns", "equalTo"]
NAMES += ["status", "headers", "body", "jsonBody", "base64Body", "bodyFileName", "fixedDelayMilliseconds"]
NAMES += ["request", "response", "priority", "mappings", "statusMessage"]
WORDS = st.text(max_size=5) | st.sampled_from(["/v1/x", "/{a}", "/.*", "GET"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


@given(VALUES, VALUES, VALUES)
def test_anything_gives_stubs_or_reasons(request_, response, more):
    for form in ({"request": request_, "response": response, "priority": more}, {"mappings": more}, more):
        with suppress(Unreadable):
            for each in WireMock(beside).read("m.json", json.dumps(form).encode()):
                assert isinstance(each, Recording | Skipped)


@given(st.integers(0, 200), st.integers(0, 255))
def test_cut_or_damaged_anywhere(place, octet):
    whole = json.dumps(stub({"urlPath": "/x", "bodyPatterns": [{"equalToJson": "{}"}]}, {"status": 404})).encode()
    for bad in (whole[:place], whole[:place] + bytes([octet]) + whole[place + 1 :]):
        with suppress(Unreadable):
            assert all(isinstance(each, Recording | Skipped) for each in WireMock().read("m.json", bad))
