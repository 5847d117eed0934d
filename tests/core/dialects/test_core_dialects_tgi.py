"""Text Generation Inference and what takes `inputs` as it does; its tokens; and Replicate's predictions."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from others_saying import WORDS, again, answers, ask, choices, heard, vectors

from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Operation, Reasoning, Text, Usage, Vector
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.replicate import Replicate
from proxy_daemon.core.dialects.tgi.answers import ENDS
from proxy_daemon.core.dialects.tgi.tgi import TextGenerationInference

TGI, REPLICATE = TextGenerationInference(), Replicate()
IN = {"inputs": "Hi"}


@pytest.mark.parametrize(
    ("target", "body", "name", "operation", "streams", "model"),
    [
        ("/generate", IN, "tgi", Operation.COMPLETION, False, ""),
        ("/generate", IN | {"stream": True}, "tgi", Operation.COMPLETION, False, ""),
        ("/generate_stream", IN, "tgi", Operation.COMPLETION, True, ""),
        ("/", IN, "tgi", Operation.COMPLETION, False, ""),
        ("/", IN | {"stream": True, "model": "m"}, "tgi", Operation.COMPLETION, True, "m"),
        ("/models/owner/name", IN, "tgi", Operation.COMPLETION, False, "owner/name"),
        ("/endpoints/mine/invocations", IN, "tgi", Operation.COMPLETION, False, "mine"),
        ("/endpoints/mine/invocations-response-stream", IN, "tgi", Operation.COMPLETION, True, "mine"),
        ("/pipeline/feature-extraction/o/n", IN, "tgi", Operation.EMBEDDINGS, False, "o/n"),
        ("/embed", {"inputs": ["a", "b"]}, "tgi", Operation.EMBEDDINGS, False, ""),
        ("/", {"input": "Hi"}, "generic", Operation.OTHER, False, ""),
        ("/generate", {"prompt": "Hi"}, "generic", Operation.COMPLETION, False, ""),
        ("/generate", [IN], "generic", Operation.COMPLETION, False, ""),
    ],
)
def test_a_request(target, body, name, operation, streams, model):
    request = ask(target, body)
    found = recognise(request, BUILT_IN)
    assert (found.name, found.operation(request)) == (name, operation)
    assert (found.streams(request), found.model(request)) == (streams, model)


def test_the_inputs_are_read():
    found = TGI.conversation(ask("/embed", {"inputs": ["a", 5, "b"]}))
    assert [message.text for message in found.messages] == ["a", "b"]


def token(text, generated=None, *, special=False, **details):
    found = {"index": 1, "token": {"id": 1, "text": text, "special": special}, "generated_text": generated}
    return "", found | {"details": details or None}


def test_tokens_are_put_together():
    end = token("</s>", "Hello", special=True, finish_reason="eos_token", generated_tokens=3, input_length=7)
    found = heard(TGI, [token("Hel"), token("lo"), end])
    assert found == Answer((Choice((Text("Hello"),), Finish.STOP, "eos_token"),), usage=Usage(7, 3))


def test_tokens_that_break_off():
    found = heard(TGI, [token("Hel"), token("<x>", special=True), ("", {"error": "overloaded"})])
    assert (found.text, found.complete, found.error) == ("Hel", False, "overloaded")
    assert heard(TGI, [token("Hel")]).complete is False


@pytest.mark.parametrize(
    ("document", "text"),
    [({"generated_text": "x"}, "x"), ([{"generated_text": "x"}], "x"), ([{"other": 1}], ""), ([], ""), ("x", "")],
)
def test_documents(document, text):
    assert TGI.whole(document).text == text


def test_vectors():
    assert TGI.whole([[1.0, 2], [3]]).choices[1].parts == (Vector((3,)),)
    assert TGI.whole([1.0, 2]).choices[0].parts == (Vector((1.0, 2)),)


@pytest.mark.parametrize(
    ("tail", "ended"),
    [
        (b'data:{"token":{},"generated_text":"x","details":null}\n\n', True),
        (b'data:{"token":{},"generated_text":null}\n\n', False),
        (b'data:{"token":{"text":"\\"generated_text\\": \\"x\\""}}\n\n', False),
    ],
)
def test_the_last_event(tail, ended):
    assert TGI.ends_with_terminal(tail) is ended


def test_errors():
    assert orjson.loads(TGI.error(422, "validation", "no")) == {"error": "no", "error_type": "validation"}
    assert TGI.error_event(422, "validation", "no").startswith(b'data:{"error"')


COUNTED = st.builds(Usage, input=st.integers(1, 99), output=st.integers(0, 99))


@pytest.mark.parametrize("target", ["/generate", "/generate_stream", "/", "/models/o/n"])
@given(answers(choices(ENDS, thinks=False).map(lambda one: (one,)), usage=COUNTED))
def test_a_text_comes_back(target, answer):
    assert again(TGI, answer, ask(target, IN)) == answer


@given(answers(vectors(Finish.STOP)))
def test_vectors_come_back(answer):
    assert again(TGI, answer, ask("/embed", IN)) == answer


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/generate", Answer()),
        ("/generate", Answer((Choice(), Choice()))),
        ("/generate_stream", Answer((Choice(), Choice()))),
        ("/generate", Answer((Choice((Reasoning("x"),)),))),
        ("/embed", Answer((Choice((Text("x"),)),))),
        ("/generate", Answer((Choice(),), complete=False)),
    ],
)
def test_what_it_has_no_words_for(target, answer):
    with pytest.raises(CannotRender):
        TGI.render(answer, ask(target, IN))


@pytest.mark.parametrize(
    ("method", "target", "model", "streams"),
    [
        (b"POST", "/v1/predictions", "v", False),
        (b"GET", "/v1/predictions/p", "v", False),
        (b"POST", "/v1/models/owner/name/predictions", "owner/name", False),
        (b"GET", "/v1/models/owner/name/versions/1", "owner/name", False),
        (b"POST", "/v1/deployments/owner/name/predictions", "owner/name", False),
        (b"GET", "/v1/streams/s", "v", True),
    ],
)
def test_a_request_to_replicate(method, target, model, streams):
    request = ask(target, {"version": "v", "input": {"prompt": "Hi", "system_prompt": "Be"}, "stream": True}, method)
    assert recognise(request, BUILT_IN).name == "replicate"
    assert (REPLICATE.model(request), REPLICATE.streams(request)) == (model, streams)
    assert REPLICATE.operation(request) is Operation.STATE
    assert not REPLICATE.generates(request)
    said = [(message.role, message.text) for message in REPLICATE.conversation(request).messages]
    assert said == [("system", "Be"), ("user", "Hi")]


@pytest.mark.parametrize("target", ["/v1/models/gpt-5", "/v1/models/owner/name", "/v1/models/owner/m:predict/x"])
def test_models_of_others(target):
    assert not REPLICATE.recognises(ask(target, method=b"GET"))


def test_predictions():
    document = {"id": "p", "model": "o/n", "status": "succeeded", "output": ["a", "b"], "error": None}
    choice = Choice((Text("ab"),), Finish.STOP, "succeeded")
    counted = document | {"metrics": {"input_token_count": 4, "output_token_count": 2}}
    assert REPLICATE.whole(counted) == Answer((choice,), id="p", model="o/n", usage=Usage(4, 2))
    files = REPLICATE.whole(document | {"output": "https://x/y.png"})
    assert files.choices[0].parts == (Media("file", source="https://x/y.png"),)
    assert not REPLICATE.whole(document | {"status": "processing", "output": None}).complete
    assert REPLICATE.whole({"id": "p", "status": "failed", "error": "NSFW"}).error == "NSFW"
    assert REPLICATE.whole({"title": "t", "detail": "no token"}).error == "no token"


@given(st.lists(WORDS, min_size=1))
def test_events_of_replicate(words):
    found = heard(REPLICATE, [*(("output", word) for word in words), ("done", {})])
    assert found == Answer((Choice((Text("".join(words)),), Finish.STOP),))
    assert not heard(REPLICATE, [("output", words[0])]).complete
    assert heard(REPLICATE, [("error", {"detail": "no"})]).error == "no"
