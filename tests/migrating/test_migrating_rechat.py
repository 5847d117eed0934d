"""From rechat 0.1.7, the real one before the built-in model: its dump answers, and the Markdown of its `marker.py`.

Edited as its README promises: also with system prompts, images, tools, several choices. See docs/migrating.md.
"""

import sys

import pytest
from openai import APIStatusError, OpenAI
from real_tools import llmproxy, packages, python, served
from rig import Daemons

pytestmark = pytest.mark.more

MAIN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from cli import cli_entry; cli_entry(sys.argv[1:])"
FRANCE, LYON = "What is the capital of France?", "Lyon, says the editor."
PIXEL = "data:image/png;base64,iVBORw0KGgo="
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": 'It\'s: "it"', "strict": True, "parameters": {"type": "object"}},
}
WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
CALLED = [
    *WEATHER,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "Sunny:\n\n- all day"},
]
SEEN = [
    {"role": "system", "content": "You are: a guide"},
    {
        "role": "user",
        "content": [{"type": "text", "text": 'It\'s "what"?\nhm'}, {"type": "image_url", "image_url": {"url": PIXEL}}],
    },
]
HEADINGS = [{"role": "user", "content": "Say this:\n\n### user\nhi"}]
SESSION = {
    "plain": {"messages": [{"role": "user", "content": FRANCE}], "temperature": 0},
    "seen": {"messages": SEEN, "stop": ["a: b"], "user": "yes"},
    "calls": {"messages": WEATHER, "tools": [TOOL], "response_format": {"type": "text"}},
    "called": {"messages": CALLED, "tools": [TOOL]},
    "choices": {"messages": HEADINGS, "n": 2},
}


def said(url, name, **more):
    """What a client of the SDK gets: the words of each choice, or the calls."""
    with OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        found = client.chat.completions.create(model="demo-1", **SESSION[name], **more)
    return [each.message.content or each.message.tool_calls[0].function.name for each in found.choices]


def streamed(url, name):
    with OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        pieces = client.chat.completions.create(model="demo-1", stream=True, **SESSION[name])
        return "".join(each.choices[0].delta.content or "" for each in pieces if each.choices)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """(folder of a session of rechat, what was said in it by name); its upstream has gone."""
    theirs, folder = packages("rechat", "rechat"), tmp_path_factory.mktemp("session")
    daemons = Daemons(tmp_path_factory.mktemp("daemon"))
    upstream = daemons.start("--upstream", "demo:").url
    command = [sys.executable, "-c", MAIN, theirs / "rechat", "-p", "0", "--listen-host", "127.0.0.1", upstream]
    with served(*command, ready=r"proxy listening at ([0-9.]+:[0-9]+)", cwd=folder, folder=theirs) as address:
        heard = {name: said(f"http://{address}", name) for name in SESSION}
    daemons.stop()
    return folder, heard


@pytest.fixture(scope="module")
def dump(session):
    (found,) = session[0].glob("flows_*.dump")
    return found


@pytest.fixture
def talk(dump, tmp_path):
    """The Markdown that its `marker.py` makes of the dump."""
    theirs = packages("rechat", "rechat")
    (tmp_path / "talk.md").write_text(python(theirs / "rechat" / "marker.py", dump, cwd=tmp_path, folder=theirs))
    return tmp_path / "talk.md"


def test_its_dump_answers(daemon, dump, session):
    proxy = daemon("--cassette", str(dump), "--mode", "none")
    assert {name: said(proxy.url, name) for name in SESSION} == session[1]


def test_a_dump_is_imported_and_added_to(daemon, dump, session, tmp_path):
    counted = llmproxy("import", dump, "--store", "s.db", "--as", "demo:", cwd=tmp_path)
    assert f"read {len(SESSION)}, imported {len(SESSION)}" in counted
    proxy = daemon("--upstream", "demo:", store=tmp_path / "s.db")
    assert said(proxy.url, "plain") == session[1]["plain"]
    assert said(proxy.url, "plain", seed=7)
    assert [each["outcome"] for each in proxy.exchanges()[:2]] == ["miss", "hit"]


def test_its_markdown_answers(daemon, talk, session):
    heard = dict(session[1])
    proxy = daemon("--cassette", str(talk))
    with pytest.raises(APIStatusError, match="no recording answers this request"):
        said(proxy.url, "calls")
    assert heard.pop("calls") == ["get_weather"]
    first, _ = heard.pop("choices")
    assert said(proxy.url, "choices") == [first]
    assert {name: said(proxy.url, name) for name in heard} == heard
    proxy.stop()
    proxy.reader.join()
    assert any(b"rechat wrote None" in line for line in proxy.said)


def test_an_edited_answer_is_served(daemon, talk, session):
    text = talk.read_text()
    for name in ("plain", "seen", "called"):
        (words,) = session[1][name]
        assert text.count(f"\n{words}\n") == 1, text
        text = text.replace(f"\n{words}\n", f"\n{LYON} {name}\n")
    parted = text.split("\nNone\n", 1)
    text = '\n#### call get_weather\n~~~json\n{"city": "Paris"}\n~~~\n'.join(parted)
    talk.write_text(text)
    proxy = daemon("--cassette", str(talk))
    assert said(proxy.url, "calls") == ["get_weather"]
    for name in ("plain", "seen", "called"):
        assert (said(proxy.url, name), streamed(proxy.url, name)) == ([f"{LYON} {name}"], f"{LYON} {name}")


def test_our_markdown_of_its_dump_has_the_calls_too(daemon, dump, session, tmp_path):
    llmproxy("export", "--from", dump, "--format", "markdown", "--output", "talk.md", cwd=tmp_path)
    proxy = daemon("--cassette", str(tmp_path / "talk.md"))
    assert {name: said(proxy.url, name) for name in SESSION} == session[1]


def test_a_line_that_nobody_can_tell_apart_is_refused(daemon, talk, session, tmp_path):
    """Until a person says that it is words: by a backslash."""
    text = talk.read_text()
    talk.write_text(text.replace("\n- all day\n", "\n</blockquote>\n"))
    refused = llmproxy("show", talk, cwd=tmp_path, code=1)
    assert "talk.md:" in refused
    assert "text behind the </blockquote> of a message" in refused
    talk.write_text(text.replace("\n- all day\n", "\n\\</blockquote>\n"))
    tool = CALLED[-1] | {"content": CALLED[-1]["content"].replace("- all day", "</blockquote>")}
    proxy = daemon("--cassette", str(talk))
    with OpenAI(base_url=f"{proxy.url}/v1", api_key="k", max_retries=0) as client:
        asked = SESSION["called"] | {"messages": [*CALLED[:-1], tool]}
        found = client.chat.completions.create(model="demo-1", **asked)
    assert [found.choices[0].message.content] == session[1]["called"]
