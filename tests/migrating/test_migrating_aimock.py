"""From aimock 1.43, the real one beside us: the fixtures of its docs get the same answers from both, in two SDKs.

What cannot be the same is refused or skipped, never another answer. See docs/migrating.md.
"""

import json
import shutil
import time
from pathlib import Path

import anthropic
import openai
import pytest
from real_tools import llmproxy, needs, served
from rig import LIMIT

pytestmark = pytest.mark.more

NODE = Path(__file__).parents[1] / "node"
EXAMPLES = NODE / "node_modules" / "@copilotkit" / "aimock" / "fixtures"
TOOL = {"name": "f", "description": "", "parameters": {"type": "object"}}
CALL = {"id": "call_001", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def user(text):
    return {"role": "user", "content": text}


def answer(text):
    return {"role": "assistant", "content": text}


def after_call(text, result):
    """A conversation of the OpenAI API whose tool has answered."""
    called = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    return [user(text), called, {"role": "tool", "tool_call_id": "call_001", "content": result}]


# --- clients ---------------------------------------------------------------------------------------------------------


def by_openai(url, messages, **more):
    """[words, [(name, arguments)], why it ended], or the status and the words of an error."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        try:
            found = client.chat.completions.create(model="gpt-4o", messages=messages, **more).choices[0]
        except openai.APIStatusError as error:
            return failed(error)
    calls = [(each.function.name, json.loads(each.function.arguments)) for each in found.message.tool_calls or []]
    return [found.message.content or "", calls, found.finish_reason]


def by_openai_streaming(url, messages, **more):
    text, calls, ended = "", {}, ""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        try:
            pieces = [*client.chat.completions.create(model="gpt-4o", messages=messages, stream=True, **more)]
        except openai.APIStatusError as error:
            return failed(error)
    for choice in (each.choices[0] for each in pieces if each.choices):
        text, ended = text + (choice.delta.content or ""), choice.finish_reason or ended
        for call in choice.delta.tool_calls or []:
            name, given = calls.get(call.index, ("", ""))
            calls[call.index] = (name + (call.function.name or ""), given + (call.function.arguments or ""))
    return [text, [(name, json.loads(given)) for name, given in calls.values()], ended]


def by_anthropic(url, messages):
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0) as client:
        try:
            found = client.messages.create(model="claude-5", max_tokens=99, messages=messages)
        except anthropic.APIStatusError as error:
            return failed(error)
    return told(found)


def by_anthropic_streaming(url, messages):
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0) as client:
        try:
            with client.messages.stream(model="claude-5", max_tokens=99, messages=messages) as stream:
                return told(stream.get_final_message())
        except anthropic.APIStatusError as error:
            return failed(error)


def told(message):
    texts = "".join(each.text for each in message.content if each.type == "text")
    calls = [(each.name, each.input) for each in message.content if each.type == "tool_use"]
    return [texts, calls, message.stop_reason]


def failed(error):
    """(status, its words, when to try again)"""
    words = error.body.get("error", error.body) if isinstance(error.body, dict) else {}
    return error.status_code, words.get("message", ""), error.response.headers.get("retry-after")


PLAIN = [by_openai, by_openai_streaming, by_anthropic, by_anthropic_streaming]
OPENAI = [by_openai, by_openai_streaming]


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def both(daemon, tmp_path):
    """(address of aimock, of llmproxy) with a file of fixtures."""
    needs(shutil.which("node"), "node")
    needs(EXAMPLES.is_dir(), "make tests/node/node_modules")
    running = []

    def start(fixtures):
        path = tmp_path / "fixtures.json"
        path.write_text(fixtures if isinstance(fixtures, str) else json.dumps({"fixtures": fixtures}))
        command = ("node", NODE / "aimock.mjs", path)
        running.append(served(*command, ready=r"serving at (http://\S+)", cwd=tmp_path))
        theirs = running[-1].__enter__()
        return theirs, daemon("--cassette", str(path), "--mode", "none").url

    yield start
    for each in running:
        each.__exit__(None, None, None)


DOCUMENTED = {
    "greeting": ("example-greeting.json", PLAIN, [[user("hello")], [user("say goodbye now")], [user("hello")]]),
    "calls": ("example-multi-turn.json", PLAIN, [[user("please change background to blue")]]),
    "blocks": ("examples/llm/blocks-tool-first.json", [by_openai], [[user("what's the weather in NYC?")]]),
    "errors": ("examples/llm/error-injection.json", PLAIN, [[user("a.*b")]]),
    "profile": ("examples/llm/streaming-physics.json", PLAIN, [[user("explain gravity")]]),
    "agent": ("examples/adk/gemini-agent.json", PLAIN, [[user(each)] for each in ("weather", "hello", "multi-tool")]),
    "rag": ("examples/llamaindex/rag-pipeline.json", PLAIN, [[user("What is gravity?")]]),
    "crew": ("examples/crewai/multi-agent-crew.json", PLAIN, [[user("research it")], [user("write")]]),
    "first fits": ("examples/crewai/multi-agent-crew.json", PLAIN, [[user("write on research")]]),
    "history": ("example-greeting.json", PLAIN, [[user("goodbye"), answer("x"), user("hello")]]),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_fixtures_of_its_docs_get_the_same_answers(both, name):
    file, clients, conversations = DOCUMENTED[name]
    needs(EXAMPLES.is_dir(), "make tests/node/node_modules")
    theirs, ours = both((EXAMPLES / file).read_text())
    for ask in clients:
        for messages in conversations:
            assert ask(ours, messages) == ask(theirs, messages), ask.__name__


@pytest.mark.parametrize("file", ["llm/sequential-responses.json", "langchain/agent-loop.json"])
def test_answers_in_turn(both, file):
    needs(EXAMPLES.is_dir(), "make tests/node/node_modules")
    text = (EXAMPLES / "examples" / file).read_text()
    asked = [user(json.loads(text)["fixtures"][0]["match"]["userMessage"])]
    theirs, ours = both(text)
    assert [by_openai(ours, asked) for _ in range(3)] == [by_openai(theirs, asked) for _ in range(3)]


TURNS = {
    "turnIndex": [
        {"match": {"userMessage": "mars", "turnIndex": 0}, "response": {"toolCalls": [{"name": "f", "arguments": {}}]}},
        {"match": {"userMessage": "mars", "turnIndex": 1}, "response": {"content": "Great!"}},
    ],
    "hasToolResult": [
        {
            "match": {"userMessage": "mars", "hasToolResult": False},
            "response": {"toolCalls": [{"id": "call_001", "name": "f", "arguments": {}}]},
        },
        {"match": {"userMessage": "mars", "hasToolResult": True}, "response": {"content": "Great!"}},
    ],
    "toolResultContains": [
        {"match": {"toolCallId": "call_001", "toolResultContains": "cancel"}, "response": {"content": "No."}},
        {"match": {"toolCallId": "call_001"}, "response": {"content": "Great!"}},
        {
            "match": {"userMessage": "mars"},
            "response": {"toolCalls": [{"id": "call_001", "name": "f", "arguments": {}}]},
        },
    ],
    "user's words only": [{"match": {"userMessage": "mars"}, "response": {"content": "Great!"}}],
    "catch-all": [
        {"match": {"userMessage": "venus"}, "response": {"content": "Hot."}},
        {"match": {}, "response": {"content": "I see."}},
    ],
    "model": [
        {"match": {"userMessage": "mars", "model": "other"}, "response": {"content": "Other."}},
        {"match": {"userMessage": "mars", "model": "gpt-4o"}, "response": {"content": "Ours."}},
    ],
    "system": [
        {"match": {"userMessage": "mars", "systemMessage": "pirate"}, "response": {"content": "Arr."}},
        {"match": {"userMessage": "mars"}, "response": {"content": "Great!"}},
    ],
}
MISS, NO_FIXTURE = 424, 404
# Where aimock would give the same answer once more to what a tool has said, llmproxy has none.
AFTER_TOOLS, USERS_LAST = (1, 2), ("user's words only", "model", "system")
PIRATE = [{"role": "system", "content": "You are a pirate."}, user("to mars")]
WALKS = [[user("to mars")], after_call("to mars", "ok"), after_call("to mars", "cancelled"), PIRATE, [user("pluto")]]
WALKS.append([user("to mars"), answer("Great!"), user("to mars!")])


@pytest.mark.parametrize("name", TURNS)
def test_conversations_get_the_same_answers_or_a_miss(both, name):
    theirs, ours = both(TURNS[name])
    for number, messages in enumerate(WALKS):
        its, found = by_openai(theirs, messages), by_openai(ours, messages)
        if found[0] == MISS:
            assert its[0] == NO_FIXTURE or (name in USERS_LAST and number in AFTER_TOOLS), (number, its)
        else:
            assert found == its, number


@pytest.mark.parametrize("file", ["mastra/agent-workflow.json", "langchain/agent-loop.json"])
def test_an_agent_gets_its_answers_in_turn(both, file):
    """Whose tools answer each call before it asks again."""
    needs(EXAMPLES.is_dir(), "make tests/node/node_modules")
    text = (EXAMPLES / "examples" / file).read_text()
    answers = []
    for url in both(text):
        messages, heard = [user("plan a trip")], []
        for _ in range(3):
            heard.append(by_openai(url, messages))
            _, calls, _ = heard[-1]
            given = after_call("", "found")[1:] if calls else [answer("So."), user("plan a trip")]
            messages = messages + given
        answers.append(heard)
    assert answers[0] == answers[1]


def test_fixtures_become_markdown(both, daemon, tmp_path):
    needs(EXAMPLES.is_dir(), "make tests/node/node_modules")
    theirs, _ = both((EXAMPLES / "example-greeting.json").read_text())
    llmproxy("export", "--from", "fixtures.json", "--format", "markdown", "--output", "talk.md", cwd=tmp_path)
    ours = daemon("--cassette", str(tmp_path / "talk.md")).url
    for ask in PLAIN:
        assert ask(ours, [user("oh hello")]) == ask(theirs, [user("oh hello")])


def test_a_file_that_changes_is_read_again(daemon, tmp_path):
    """What aimock does with `-w`."""
    path = tmp_path / "fixtures.json"
    text = json.dumps({"fixtures": TURNS["user's words only"]})
    path.write_text(text)
    ours = daemon("--cassette", str(path), "--mode", "none").url
    assert by_openai(ours, [user("mars")])[0] == "Great!"
    path.write_text(text.replace("Great!", "Changed at last!"))
    deadline = time.monotonic() + LIMIT
    while by_openai(ours, [user("mars")])[0] == "Great!":
        assert time.monotonic() < deadline
    assert by_openai(ours, [user("mars")])[0] == "Changed at last!"
