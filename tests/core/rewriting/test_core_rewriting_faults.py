"""Bad input: for the part that cannot be edited the client gets what came, the rest is edited; a problem says why."""

import gzip
import re
import zlib

import brotli
import orjson
import pytest
import zstandard
from edited import CLOSE, HEAD, JSON_HEAD, MOVE, OPEN, THINK, ask, chunk, edited, editor, event, run, said_by
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.rewriting import document, machine, stream
from proxy_daemon.core.rewriting.editor import can_move, editor_for
from proxy_daemon.core.rewriting.rules import Replace
from proxy_daemon.core.wire.event_stream import event as frame

REQUEST = ask("/v1/chat/completions")
ASKED = ask("/v1/chat/completions", stream=False)
CAT = (Replace("cat", "cat", "dog"),)
SAID = orjson.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "a cat"}}]})


def result(octets, rules=CAT, head=HEAD, cuts=(), request=REQUEST):
    """(what comes out, the problems)."""
    edits = editor(rules, request, head)
    return run(edits, octets, cuts), edits.problems


# --- streams ---------------------------------------------------------------------------------------------------------

BROKEN = {
    "json": b'data: {"choices": cat\n\n',
    "utf-8": b'data: {"choices":[{"delta":{"content":"cat \xff"}}]}\n\n',
    "depth": b'data: {"cat":' + b"[" * 5000 + b"\n\n",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_one_broken_event_passes_as_it_came(broken):
    octets = chunk("cat") + BROKEN[broken] + chunk("cat")
    for cuts in ((), range(0, len(octets), 7)):
        out, problems = result(octets, cuts=cuts)
        assert out == chunk("dog") + BROKEN[broken] + chunk("dog")
        (problem,) = problems
        assert f"the item at octet {len(chunk('cat'))} is no JSON" in problem


def test_a_broken_event_keeps_its_place_while_others_wait():
    octets = chunk("c") + BROKEN["json"] + chunk("at")
    assert result(octets)[0] == chunk("dog") + BROKEN["json"] + chunk("")


def test_a_character_cut_over_pieces_is_whole():
    octets = b'data: {"choices":[{"index":0,"delta":{"content":"\xc3\xa9cat\xf0\x9f\x98\x80"}}]}\n\n'
    for at in range(len(octets)):
        assert result(octets, cuts=[at]) == (octets.replace(b"cat", b"dog"), ())


def test_half_a_surrogate_pair_stays():
    octets = b'data: {"choices":[{"index":0,"delta":{"content":"cat\\ud83d"}}]}\n\n'
    assert result(octets) == (octets.replace(b"cat", b"dog"), ())


def test_a_stream_that_breaks_off_within_an_event():
    octets = chunk("a") + chunk("c") + chunk("cat")[:40]
    out, problems = result(octets)
    assert out == octets
    assert "the stream ends within an event" in problems[0]


@pytest.mark.parametrize("body", [b"", b"{", b"\n\n\n", b"cat\n\n", b"<html>cat</html>", b"\x00\x01\x02" * 9])
def test_a_stream_that_is_none_passes(body):
    assert result(body)[0] == body


def test_a_document_under_the_type_of_a_stream_is_edited():
    assert result(SAID) == (SAID.replace(b"cat", b"dog"), ())


def test_a_stream_under_the_type_of_a_document_is_edited():
    assert result(chunk("cat"), head=JSON_HEAD) == (chunk("dog"), ())


def test_an_item_over_the_limit_passes_with_all_that_follows(monkeypatch):
    monkeypatch.setattr(stream, "LONGEST_ITEM", 1000)
    octets = chunk("cat") + chunk("c") + chunk("x" * 1000 + "cat") + chunk("cat")
    for cuts in ((), range(0, len(octets), 50)):
        out, problems = result(octets, cuts=cuts)
        assert out == chunk("dog") + octets[len(chunk("cat")) :]
        assert "over the limit of 1000 octets" in problems[0]
        assert "as it came" in problems[0] or "as they came" in problems[0]


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(stream, "MOST_WAITING", 1000)
    octets = chunk("c") + chunk("other", 1) * 20 + chunk("at")
    for cuts in ((), range(0, len(octets), 50)):
        out, problems = result(octets, cuts=cuts)
        assert out == octets
        assert "1000 octets wait" in problems[0]


def test_much_that_need_not_wait_is_no_fault(monkeypatch):
    monkeypatch.setattr(stream, "MOST_WAITING", 1000)
    octets = chunk("c") + chunk("at" + "x" * 1000) + chunk("y" * 2000 + " <")
    out, problems = result(octets)
    assert (said_by(out), problems) == (said_by(octets).replace("cat", "dog"), ())


def test_how_many_texts_grow_is_bounded(monkeypatch):
    monkeypatch.setattr(machine, "MOST_CHANNELS", 10)
    octets = chunk("cat") + b"".join(chunk("c", index) for index in range(20)) + chunk("cat")
    for cuts in ((), range(0, len(octets), 50)):
        out, problems = result(octets, cuts=cuts)
        assert out == octets.replace(b"cat", b"dog", 1)
        assert "more than 10 texts grow at once" in problems[0]


def test_how_many_texts_an_item_has_is_bounded(monkeypatch):
    monkeypatch.setattr(machine, "MOST_TEXTS", 3)
    many = orjson.dumps({"choices": [{"text": "cat"}] * 4})
    for octets, head in ((many, JSON_HEAD), (b"data: " + many + b"\n\n" + chunk("cat"), HEAD)):
        out, problems = result(octets, head=head)
        assert out == octets
        assert "4 texts stand in one item" in problems[0]


def test_channels_that_have_ended_are_forgotten():
    octets = b"".join(chunk("cat", index, finish_reason="stop") for index in range(machine.MOST_CHANNELS + 5))
    assert result(octets) == (octets.replace(b"cat", b"dog"), ())


def test_problems_are_bounded():
    _, problems = result(BROKEN["json"] * 100)
    assert len(problems) == machine.MOST_PROBLEMS


def test_frames_with_damage():
    request = ask("/model/m/converse-stream")
    head = ResponseHead(200, b"", Headers([(b"content-type", b"application/vnd.amazon.eventstream")]))
    one = frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"cat"}}')
    bad = one[:-1] + b"\0"
    out, problems = result(one + bad + one, head=head, request=request)
    assert out == edited(CAT, request, head, one) + bad + one
    assert "checksum" in problems[0]


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_octets_pass(octets, cuts):
    for head in (HEAD, JSON_HEAD):
        assert result(octets, THINK, head, cuts)[0] == octets
        assert result(b"data: {}\n\n" + octets, THINK, head, cuts)[0] == b"data: {}\n\n" + octets


NAMES = re.findall(
    r"\S+",
    "choices index delta message content text finish_reason tool_calls function arguments output type item part "
    "response candidates parts thought functionCall args content_block done thinking token",
)
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("cat<|", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
TARGETS = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/chat", "/v2/chat", "/v1/chat", "/generate"]


@given(st.sampled_from(TARGETS), st.lists(SHAPES, max_size=5))
def test_json_of_any_shape_raises_nothing(target, shapes):
    request = ask(target)
    for rules in (CAT, MOVE, (Replace("all", "c", "d", ("content", "reasoning", "arguments")),)):
        for shape in shapes:
            result(orjson.dumps(shape), rules, JSON_HEAD, request=request)
        result(b"".join(b"data: %b\n\n" % orjson.dumps(shape) for shape in shapes), rules, request=request)


# --- documents -------------------------------------------------------------------------------------------------------


def test_a_document_over_the_limit_passes(monkeypatch):
    monkeypatch.setattr(document, "LONGEST", 100)
    octets = SAID + b" " * 100
    for cuts in ((), range(0, len(octets), 30)):
        out, problems = result(octets, head=JSON_HEAD, cuts=cuts)
        assert out == octets
        assert "over the limit of 100 octets" in problems[0]


@pytest.mark.parametrize("octets", [SAID[:-1], SAID + b"}", SAID.replace(b"cat", b"cat\xff"), b"cat", b'["cat"'])
def test_a_document_that_is_no_json_passes(octets):
    out, problems = result(octets, head=JSON_HEAD)
    assert out == octets
    assert problems or not octets.startswith((b"{", b"["))


def test_arguments_must_stay_json():
    request = ask("/v1/messages", stream=False)
    octets = b'{"type":"message","content":[{"type":"tool_use","input":{ "a" : "cat" }}]}'
    assert result(octets, (Replace("r", "cat", "dog", ("arguments",)),), JSON_HEAD, request=request) == (
        octets.replace(b"cat", b"dog"),
        (),
    )
    out, problems = result(octets, (Replace("r", '"', "", ("arguments",)),), JSON_HEAD, request=request)
    assert out == octets
    assert "no JSON" in problems[0]


# --- codings ---------------------------------------------------------------------------------------------------------


def zstd(data):
    return zstandard.ZstdCompressor().compress(data)


CODED = {b"gzip": gzip.compress, b"br": brotli.compress, b"zstd": zstd, b"deflate": zlib.compress}


def coded(coding, kind=b"text/event-stream"):
    return ResponseHead(200, b"OK", Headers([(b"Content-Type", kind), (b"Content-Encoding", coding)]))


@pytest.mark.parametrize("coding", CODED)
def test_what_is_coded_is_edited_and_goes_on_uncoded(coding):
    plain = chunk("a c") + chunk("at") + b"data: [DONE]\n\n"
    octets = CODED[coding](plain)
    edits = editor(CAT, REQUEST, coded(coding))
    assert edits.uncodes
    assert said_by(run(edits, octets, cuts=range(1, len(octets)))) == "a dog"
    assert edits.problems == ()
    assert edits.fired == {"cat": 1}
    out, problems = result(CODED[coding](SAID), head=coded(coding, b"application/json"))
    assert (out, problems) == (SAID.replace(b"cat", b"dog"), ())


@pytest.mark.parametrize("coding", CODED)
def test_without_a_match_it_is_what_was_decoded(coding):
    assert result(CODED[coding](chunk("<|x")), THINK, coded(coding)) == (chunk("<|x"), ())


def test_gzip_that_is_cut_gives_what_could_be_decoded():
    octets = gzip.compress(b"".join(chunk(f"cat {number}") for number in range(500)), 1)
    out, problems = result(octets[:-200], head=coded(b"gzip"))
    assert out.startswith(chunk("dog 0") + chunk("dog 1"))
    assert "cut" in problems[0]
    assert "decoded" in problems[0]


def test_damage_ends_it():
    plain = b"".join(chunk(f"cat {number * 7919}") for number in range(5000))
    octets = bytearray(gzip.compress(plain, 1))
    octets[len(octets) // 2] ^= 0xFF
    out, problems = result(bytes(octets), head=coded(b"gzip"), cuts=range(0, len(octets), 500))
    assert out.startswith(chunk("dog 0"))
    assert out.isascii()  # nothing coded comes behind it
    assert problems


def test_a_coding_that_is_not_applied():
    assert result(chunk("cat"), head=coded(b"gzip")) == (chunk("dog"), ())


def test_a_coding_that_nobody_knows_passes():
    edits = editor(CAT, REQUEST, coded(b"compress"))
    assert not edits.uncodes
    assert run(edits, chunk("cat")) == chunk("cat")
    assert "'compress' is unknown" in edits.problems[0]


# --- what is not touched ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "head"),
    [
        (ask("/v1/embeddings"), JSON_HEAD),
        (ask("/v2/embed"), JSON_HEAD),
        (ask("/v1/models"), JSON_HEAD),
        (ask("/nothing/known"), JSON_HEAD),
        (REQUEST, ResponseHead(204, b"", JSON_HEAD.headers)),
        (REQUEST, ResponseHead(200, b"", Headers([(b"content-type", b"image/png"), (b"content-encoding", b"gzip")]))),
        (REQUEST, ResponseHead(502, b"", Headers([(b"content-type", b"text/html")]))),
    ],
)
def test_where_no_rule_could_touch_the_body_there_is_no_editor(request_, head):
    assert editor(CAT, request_, head) is None


def test_without_rules_there_is_no_editor():
    assert editor_for((), None, REQUEST, HEAD) is None or editor((), REQUEST) is None


def test_which_apis_have_a_place_for_moved_text():
    from edited import dialect_of  # noqa: PLC0415  (a name of a fixture elsewhere)

    targets = {"/v1/chat/completions": True, "/api/chat": True, "/v1/messages": True, "/v1/responses": True}
    targets |= {"/v1/completions": False, "/generate": False, "/model/m/invoke": False, "/model/m/converse": True}
    assert {target: can_move(dialect_of(ask(target)), ask(target)) for target in targets} == targets


def test_moved_text_stays_json_in_documents():
    said = {"index": 0, "message": {"role": "assistant", "content": f"a{OPEN}b{CLOSE}c", "reasoning_content": None}}
    out, _ = result(orjson.dumps({"choices": [said]}), MOVE, JSON_HEAD, request=ASKED)
    assert orjson.loads(out)["choices"][0]["message"] == {
        "role": "assistant",
        "content": "ac",
        "reasoning_content": "b",
    }
    assert result(event(error="cat"), MOVE)[0] == event(error="cat")
