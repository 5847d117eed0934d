"""Conversations on a terminal: what is new of them, as it streams, one at a time; nothing secret."""

import re

import orjson
import pytest
from console_rig import CHAT, LAST, SSE, Seen, Watched, event, streaming

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.script import Script
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.plugins.console import TALK
from proxy_daemon.plugins.console.telling import CALM_SECONDS, MOST_TALKS, TOO_MANY

KEY = "sk-ant-api03-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
HEAD = re.compile(r"── \d\d:\d\d:\d\d (.*)")


@pytest.fixture
def watched(monkeypatch):
    """`watched(*pieces, seconds=0.1, **more)`: a daemon whose upstream streams these."""

    def make(*pieces, seconds=0.1, **more):
        answer = {"answer": streaming(*pieces, seconds=seconds)} if pieces else {}
        return Watched(monkeypatch, **answer | {"size": (100, 60)} | more)

    return make


def rows(person):
    return [row for row in person.look().split("\n") if row]


def test_a_conversation_from_its_head_to_its_foot(watched):
    person = watched("Some **bold** words.\n\n", "- one\n", "- two")
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("read", "write")]
    result = person.chat("What?", tools=tools)
    head, *body, foot = rows(person)
    exchange = dict(result.headers.pairs)[b"X-LLMProxy-Exchange"].decode()
    assert HEAD.fullmatch(head)[1] == f"m  openai-chat → demo  POST {CHAT}  {exchange}"
    assert body == ["tools     read, write", "user      What?", "Some bold words.", " • one", " • two"]
    assert re.fullmatch(r"── miss  200  12 in \(5 cached\), 34 out \(6 reasoning\)  \d+/\d+ ms  stop", foot)


def test_words_appear_as_they_come(watched):
    person = watched("One ", "two ", "three.", seconds=1)
    person.begin("What?")
    assert person.seen.text == ""
    person.wait(0.2)
    assert person.seen.text.endswith("user      What?")
    seen = []
    for _ in range(4):
        person.wait(1)
        seen.append(person.seen.text.split("\n")[-1])
    assert seen[:3] == ["One", "One two", "One two"]  # the last word has not ended
    assert seen[3].startswith("── miss")


def test_only_what_is_new_is_shown_of_a_history(watched):
    person = watched("Two.")
    person.chat("One?")
    person.look()
    before = person.seen.text
    person.chat("One?", "Two.", "Three?")
    new = person.look()[len(before) :]
    assert "… 2 earlier messages\nuser      Three?\n" in new
    assert "One?" not in new


def test_an_agent_may_be_quicker_than_the_terminal(watched):
    person = watched("Two.")
    person.chat("One?")
    person.chat("One?", "Two.", "Three?")
    assert "… 2 earlier messages\nuser      Three?\n" in person.look()


def test_of_a_long_history_the_last_few_are_shown(watched):
    person = watched("ok")
    person.chat(*[f"message {number}" for number in range(11)])
    seen = person.look()
    assert "… 7 earlier messages, not shown\n" in seen
    assert re.findall(r"message \d+", seen) == [f"message {number}" for number in range(7, 11)]


def test_thoughts_calls_results_and_pictures(watched):
    call = {"index": 0, "id": "c1", "function": {"name": "read", "arguments": '{"path":"/etc/hosts"}'}}
    person = watched(
        event(reasoning_content="I think "), event(reasoning_content="so."), "Well.", event(tool_calls=[call])
    )
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 4096}}
    messages = [
        {"role": "system", "content": "Be good.\n" * 100},
        {"role": "user", "content": [{"type": "text", "text": "See:"}, picture]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c0", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c0", "content": "x" * 5000},
    ]
    person.chat(messages=messages)
    seen = person.look()
    assert re.search(r"system    Be good\. Be good\..*… \(900 characters\)", seen, re.DOTALL)
    assert "user      See:\nuser      [image png 12 KB]" in seen
    assert "call      look {}" in seen
    assert "result    xxx" in seen
    assert "… 4,400 characters more" in seen
    assert 'I think so.\nWell.\ncall      read {"path":"/etc/hosts"}\n── ' in seen


def test_long_arguments_are_pretty_and_cut(watched):
    arguments = orjson.dumps({"text": "word " * 500, "at": [1, 2]}).decode()
    person = watched(event(tool_calls=[{"index": 0, "id": "c", "function": {"name": "say", "arguments": arguments}}]))
    person.chat("hi")
    seen = person.look()
    assert 'call      say {\n            "text": "word' in seen
    assert "characters more" in seen


def test_a_hit_says_whose_recording_answered(watched):
    person = watched("Yes.")
    first = dict(person.chat("Same?").headers.pairs)[b"X-LLMProxy-Exchange"].decode()
    person.look()
    person.chat("Same?")
    assert re.search(rf"… 1 earlier message\n\nYes\.\n── hit  200  .*from {first}$", person.look())


def test_a_refused_miss_shows_the_question_and_the_difference(watched):
    person = watched("Yes.")
    person.chat("What is the capital of France, and why?")
    person.kit.store.patterns()
    refused = Watched.chat(
        person, "What is the capital of Spain, and why?", headers={"Cache-Control": "only-if-cached"}
    )
    assert refused.status == 424
    seen = person.look()
    assert "user      What is the capital of Spain, and why?" in seen
    assert re.search(r"── refused  424 .*no recording answers", seen)
    assert "incoming" in seen


def test_an_error_of_the_upstream_is_said(watched):
    body = b'{"error": {"message": "no such model"}}'
    head = ResponseHead(404, b"Not Found", Headers([(b"Content-Type", b"application/json")]))
    person = watched(answer=lambda request: Script(head, ((0, body),)))
    person.chat("hi")
    assert re.search(r"── miss  404  .*  no such model$", person.look())


@pytest.mark.parametrize("octets", [b"\xff\xfe\0", b"data: {", b'data: {"choices": 7}\n\n', b"\x1f\x8b\x08broken", b""])
def test_an_answer_that_cannot_be_read_hurts_nobody(watched, octets):
    person = watched(octets)
    assert person.chat("hi").status == 200
    assert "── miss" in person.look()
    assert not person.kit.hooks.faults


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"messages": 7}', b'{"messages": [{"role": 7}]}', b"\xff", b"", b"[" * 10_000]
)
def test_a_request_that_cannot_be_read_hurts_nobody(watched, body):
    person = watched("ok")
    assert person.kit.send(CHAT, body, method="POST").status == 200
    assert "── miss" in person.look() or "── live" in person.look()
    assert not person.kit.hooks.faults


def test_one_whose_client_left_says_so(watched):
    person = watched("One ", "two", seconds=1)
    _, _, running = person.begin("hi")
    person.wait(1.5)
    running.cancel()
    assert "client gone" in person.look()


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_no_secret_comes_onto_the_screen(watched, size):
    text = f"Take {KEY} for it."
    person = watched(*[text[at : at + size] for at in range(0, len(text), size)], seconds=0.01)
    person.chat(f"My key is {KEY}.", headers={"Authorization": f"Bearer {KEY}"})
    assert "Take REDACTED for it." in person.look()
    assert KEY[:20].encode() not in person.seen.octets


def test_no_secret_of_a_call_comes_onto_the_screen(watched):
    call = {
        "index": 0,
        "id": "c",
        "function": {"name": "f", "arguments": orjson.dumps({"api_key": "hush hush"}).decode()},
    }
    person = watched(event(tool_calls=[call]), verbose=True)
    person.chat("hi", headers={"X-Api-Key": "hush"})
    assert "call      f" in person.look()
    assert b"hush" not in person.seen.octets


def test_no_secret_of_a_head_comes_onto_the_screen(watched):
    head = ResponseHead(200, b"OK", Headers([*SSE.headers.pairs, (b"Set-Cookie", b"id=hush"), (b"X-Kept", b"yes")]))
    person = watched(answer=lambda request: Script(head, ((0, LAST),)), verbose=True)
    person.chat("hi", headers={"Cookie": "id=hush"})
    assert "  Set-Cookie: REDACTED\n  X-Kept: yes\n" in person.look()
    assert b"hush" not in person.seen.octets


class Ruled:
    @hookimpl
    def llmproxy_log(self, exchange, event):
        if event.kind == "first_byte":
            exchange.fire("my-rule")


def test_verbose_shows_heads_and_rules(watched):
    person = watched("ok", verbose=True, plugins=(Ruled(),))
    person.chat("hi", headers={"X-Mine": "one"})
    seen = person.look()
    assert f"  POST {CHAT}\n" in seen
    assert "  X-Mine: one\n" in seen
    assert "  200 OK\n  Content-Type: text/event-stream\n" in seen
    assert "rules: my-rule" in seen


def test_two_streams_at_once_do_not_tear_each_other(watched):
    person = watched(*[f"word{number} " for number in range(30)], seconds=0.1)
    person.begin("First?")
    person.begin("Second?")
    person.wait(5)
    answer = " ".join(f"word{number}" for number in range(30))
    seen = person.look()
    first, second = (part for part in seen.split("── m") if "word" in part)
    for part, question in ((first, "First?"), (second, "Second?")):
        assert question in part
        assert answer in " ".join(part.split())
    assert "continues" not in seen


def test_a_stream_that_pauses_makes_room_and_is_named_when_it_goes_on(watched):
    pieces = ((0.1, event(content="Begun ")), (4, event(content="and done.")), (0.1, LAST))
    scripts = [Script(streaming()(None).head, pieces), streaming("Quick.")(None)]
    person = watched(answer=lambda request: scripts.pop(0))
    exchange, _, _ = person.begin("First?")
    person.begin("Second?")
    person.wait(6)
    told = [row.strip() for row in rows(person) if not row.startswith("──")]
    assert told == [
        "user      First?",
        "Begun",
        "user      Second?",
        "Quick.",
        f"… continues ({exchange.id:016x})",
        "and done.",
    ]


def test_a_rush_is_told_by_lines_and_said_once(watched):
    person = watched("ok", seconds=0)
    for number in range(3 * TOO_MANY):
        person.chat(f"question {number}")
    seen = person.look()
    assert seen.count("more than 20 exchanges a second") == 1
    assert len(re.findall(rf"(?m)^miss +POST {CHAT}", seen)) >= TOO_MANY
    person.wait(CALM_SECONDS + 2)
    person.chat("calm again")
    assert "user      calm again" in person.look()


def test_an_answer_that_comes_faster_than_it_is_drawn_is_drawn_later_and_whole(watched):
    text = "".join(f"word{number} and\n\n" for number in range(4000))
    person = watched(text, size=(100, 30))
    person.chat("hi")
    person.console.tick()
    assert "word0 " in person.seen.text
    assert "word3999" not in person.seen.text
    person.look()
    assert re.findall(r"word\d+", person.seen.text) == [f"word{number}" for number in range(4000)]
    assert max(map(len, person.seen.text.split("\n"))) <= 100


def test_what_is_far_too_much_is_left_out_and_said(watched):
    pieces = [b"data: " + b"x" * 1_000_000 + b"\n\n"] * 5
    person = watched(*pieces)
    person.chat("hi")
    for _ in range(3):
        seen = person.look()
    assert re.search(r"[\d,]+ octets of it came faster than they can be shown", seen)


def test_of_more_conversations_than_can_be_told_each_gets_a_line(watched):
    person = watched("ok", seconds=100)
    begun = [person.begin(f"question {number}")[0] for number in range(MOST_TALKS + 3)]
    assert [number for number, exchange in enumerate(begun) if TALK not in exchange.notes] == [64, 65, 66]
    person.wait(300)
    seen = person.look()
    assert re.findall(r"user      question (\d+)", seen) == [str(number) for number in range(MOST_TALKS)]
    assert f"miss      POST {CHAT}" in seen
    assert person.console.telling._room.size == 0


def test_when_the_daemon_stops_all_is_shown(watched):
    person = watched("Some words. " * 300)
    person.chat("hi")
    for stop in person.console.stops:
        stop()
    assert person.seen.text.count("Some words.") == 300
    assert "── miss" in person.seen.text


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {}])
def test_terminals_get_what_they_want(watched, env):
    person = watched("Some *words*.\n\n```\ncode\n```\n", env=env)
    person.chat("hi")
    person.look()
    colours = re.findall(rb"\x1b\[(?:3[0-7]|9[0-7]|4[0-7])", person.seen.octets)
    assert bool(colours) is (env == {})
    assert (b"\x1b" in person.seen.octets) is (env != {"TERM": "dumb"})
    assert "Some words.\n\n  code\n── miss" in person.seen.text


def test_the_emulator_keeps_what_scrolls_away():
    seen = Seen(10, 3)
    seen.write(b"".join(b"%d\n" % number for number in range(50)))
    assert seen.text.split("\n") == [str(number) for number in range(50)]
