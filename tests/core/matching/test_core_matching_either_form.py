"""In either form a request for a document and one for a stream are one; nothing else becomes one by that."""

import pytest
from attrs import evolve
from bodies_of_requests import BY_NAME, CHAT, UPSTREAM, asked, chat, taken
from test_core_matching_written import APIS, both

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.counting.match_on import parse_match_on
from proxy_daemon.core.matching.counting.unstreamed import unstreamed
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Ending, Outcome, Recording, Unknown

MORE = [
    ("bedrock", b"/model/m/invoke", b"/model/m/invoke-with-response-stream", False),
]
EITHER = EitherForm()


def of(request, dialect=None, either_form=EITHER, scope=b""):
    return either_form.of_request(request, dialect or recognise(request, BUILT_IN), UPSTREAM, scope)


@pytest.mark.parametrize("keys", ["llmproxy", "promptecho-2"])
@pytest.mark.parametrize("api", [*APIS, MORE[0]], ids=range(len(APIS) + 1))
def test_a_document_and_a_stream_of_one_request_are_one(api, keys):
    dialect, document, stream = both(api)
    matcher = Matcher(keys=keys)
    either_form = EitherForm(Anew(matcher))
    assert of(document, dialect, either_form) == of(stream, dialect, either_form)
    strict = [matcher.fingerprint(each, dialect, UPSTREAM, b"") for each in (document, stream)]
    assert strict[0] != strict[1]


TARGETS = [
    (b"/v1beta/models/m:streamGenerateContent?alt=sse&key=k", b"/v1beta/models/m:generateContent?key=k"),
    (b"/v1beta/models/m:streamGenerateContent?%24alt=sse", b"/v1beta/models/m:generateContent?"),
    (b"/v1beta/models/m:generateContent?alt=json", b"/v1beta/models/m:generateContent?alt=json"),
    (b"/p/models/m:streamRawPredict", b"/p/models/m:rawPredict"),
    (b"/model/converse-stream/converse-stream", b"/model/converse-stream/converse"),
    (b"/model/m/invoke-with-response-stream", b"/model/m/invoke"),
    (b"/generate_stream", b"/generate"),
    (b"/v1/chat/completions?stream=true", b"/v1/chat/completions?stream=true"),
    (b"/models/my-converse-stream", b"/models/my-converse-stream"),
    (b"/x?a=:streamGenerateContent", b"/x?a=:streamGenerateContent"),
    (b"", b""),
]


@pytest.mark.parametrize(("target", "plain"), TARGETS, ids=range(len(TARGETS)))
def test_the_target_of_the_same_as_a_document(target, plain):
    assert unstreamed(target) == plain == unstreamed(plain)


DIFFERENT = [
    (asked(chat()), asked(chat(temperature=1))),
    (asked(chat(stream=True)), asked(chat(stream=True, seed=1))),
    (asked(chat()), asked(chat(messages=[{"role": "user", "content": "hi", "stream": True}]))),
    (asked(chat()), asked(chat(), target=b"/v1/chat/completions?a=1")),
    (asked(chat()), asked(chat(), method=b"PUT")),
    (asked(b"\0stream"), asked(b"\0")),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_else_differs_counts(one, other):
    assert of(one, CHAT) != of(other, CHAT)


def test_it_is_no_fingerprint_of_a_form():
    for body in (chat(), chat(stream=True), chat(stream=False)):
        assert of(asked(body), CHAT) != taken(body)
    assert of(asked(chat()), CHAT, scope=b"a") != of(asked(chat()), CHAT, scope=b"b")


def test_a_field_that_asks_for_a_stream_does_not_count_and_others_do():
    dialect = BY_NAME["dashscope"]
    plain = asked({}, fields=[])
    assert of(plain, dialect) == of(asked({}, fields=[(b"X-DashScope-SSE", b"enable")]), dialect)
    assert of(plain, dialect) != of(asked({}, fields=[(b"X-DashScope-Async", b"enable")]), dialect)


@pytest.mark.parametrize("keys", ["llmproxy", "promptecho-2"])
def test_members_that_count_by_the_settings_do_not_bring_it_back(keys):
    either_form = EitherForm(Anew(Matcher(on=parse_match_on("model,stream"), keys=keys)))
    assert of(asked(chat(stream=True)), CHAT, either_form) == of(asked(chat()), CHAT, either_form)


def recorded(request, **changes):
    made = Recording(
        1, request, None, UPSTREAM, Ending.COMPLETE, Outcome.MISS, 0.0, written=True, fingerprint=b"x" * 32
    )
    return evolve(made, **changes)


def test_a_recording_has_that_of_its_request():
    stream = asked(chat(stream=True))
    assert EITHER.of_recording(recorded(stream)) == of(asked(chat()))
    assert EITHER.of_recording(recorded(stream, scope=b"a")) == of(asked(chat()), scope=b"a") != of(asked(chat()))


def test_one_whose_request_is_not_known_has_none():
    assert EITHER.of_recording(recorded(asked(), fingerprint=b"")) == b""
    assert EITHER.of_recording(recorded(asked(), unknown=frozenset({Unknown.REQUEST_BODY}))) == b""
