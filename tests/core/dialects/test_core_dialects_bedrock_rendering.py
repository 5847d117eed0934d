"""What Bedrock's dialect writes, document and frames, is read again as it was."""

import pytest
from answers import alternating, answers, calls, counts, ending, ids, post, read_back, texts, thoughts
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Reasoning,
    Text,
    ToolCall,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock
from proxy_daemon.core.dialects.bedrock.converse import FINISHES
from proxy_daemon.core.dialects.dialect import CannotRender

BEDROCK = Bedrock()
NOVA = b"/model/us.amazon.nova-lite-v1%3A0/"


def one(text, finish, said, usage=None, **more):
    return Answer((Choice((Text(text),) if text else (), finish, said),), usage=usage, **more)


PARTS = (
    st.builds(Text, texts)
    | thoughts(opaque=st.just("") | ids(""))
    | st.builds(Reasoning, st.just(""), ids(""))
    | calls("tooluse_")
)
SENT = answers(
    st.tuples(ending(alternating(PARTS), FINISHES.items())),
    st.builds(Usage, counts, counts, counts, st.none() | counts, st.none() | counts),
)


@given(SENT)
@pytest.mark.parametrize("how", [b"converse", b"converse-stream", b"invoke", b"invoke-with-response-stream"])
def test_what_is_written_is_read_again(how, answer):
    request = post(NOVA + how, {})
    rendered = BEDROCK.render(answer, request)
    assert read_back(BEDROCK, request, rendered) == answer
    if how == b"converse-stream":
        assert BEDROCK.ends_with_terminal(rendered.pieces[-1].octets)


@given(text=texts, input_=counts, output=counts, complete=st.booleans())
@pytest.mark.parametrize(
    ("model", "said", "finish", "counted"),
    [
        (b"anthropic.claude-v2", "max_tokens", Finish.LENGTH, True),
        (b"amazon.titan-text-lite-v1", "LENGTH", Finish.LENGTH, True),
        (b"amazon.titan-text-lite-v1", "FINISH", Finish.STOP, True),
        (b"meta.llama3-8b", "stop", Finish.STOP, True),
        (b"mistral.mistral-7b", "length", Finish.LENGTH, False),
        (b"cohere.command-text", "COMPLETE", Finish.STOP, False),
    ],
)
def test_answers_of_makers_are_read_again(model, said, finish, counted, text, input_, output, complete):
    answer = one(text, finish, said)
    full = one(text, finish, said, Usage(input_, output))
    for how in (b"invoke", b"invoke-with-response-stream"):
        request = post(b"/model/%b/%b" % (model, how), {})
        rendered = BEDROCK.render(full, request)
        again = read_back(BEDROCK, request, rendered)
        assert again.choices == answer.choices
        assert again.complete
        if counted or how != b"invoke":
            assert again.usage == full.usage
            assert how == b"invoke" or BEDROCK.ends_with_terminal(rendered.pieces[-1].octets)


def test_streams_broken_off_counts_and_errors_are_written():
    for how in (b"converse-stream", b"invoke-with-response-stream"):
        request = post(NOVA + how)
        broken = Answer((Choice((Text("a"),)),), error="gone", complete=False)
        assert read_back(BEDROCK, request, BEDROCK.render(broken, request)) == broken
        failed = Answer(error="no", complete=False)
        assert read_back(BEDROCK, request, BEDROCK.render(failed, request)) == failed
    assert BEDROCK.render(Answer(usage=Usage(input=7)), post(NOVA + b"count-tokens")).body == b'{"inputTokens": 7}'


@pytest.mark.parametrize("model", [b"amazon.titan-embed-text-v2:0", b"cohere.embed-english-v3"])
def test_embeddings_are_written(model):
    request = post(b"/model/%b/invoke" % model)
    answer = Answer((Choice((Vector((1.0, 0.5)),)),))
    assert read_back(BEDROCK, request, BEDROCK.render(answer, request)) == answer


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (NOVA + b"converse", Answer((Choice(), Choice()))),
        (NOVA + b"converse-stream", Answer((Choice((Vector((1.0,)),)),))),
        (NOVA + b"converse", Answer((Choice((Media("image"),)),))),
        (NOVA + b"converse", Answer((Choice((ToolCall("1", "n", "{"),)),))),
        (NOVA + b"converse-stream", Answer((Choice((ToolCall("1", "n", "{"),)),))),
        (b"/model/abc/invoke", one("a", Finish.STOP, "stop")),
        (b"/model/meta.llama3/invoke", Answer((Choice((Reasoning("a"),)),))),
        (b"/model/meta.llama3/invoke", Answer((Choice((Vector((1.0,)),)),))),
    ],
)
def test_what_the_api_has_no_words_for_is_refused(target, answer):
    with pytest.raises(CannotRender):
        BEDROCK.render(answer, post(target))
