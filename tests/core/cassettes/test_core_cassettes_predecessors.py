"""promptecho 0.1.3 and asgi-replay 0.1a0 themselves: they replay what we write, and we read what they write.

They stand in a folder of their own (`make .sdk/predecessors`): no other test sees it.
"""

import base64
import json
import os
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from rig import LIMIT

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.asgi_replay_writing import AsgiReplayText
from proxy_daemon.core.cassettes.foreign_text import text
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.promptecho.writing import PromptechoText
from proxy_daemon.core.cassettes.writers import writer_named
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

FOLDER = Path(__file__).parents[3] / ".sdk" / "predecessors"
PROGRAM = str(Path(__file__).with_name("predecessors_program.py"))
OPENAI = "https://api.openai.com"
JSON, SSE, PNG = b"application/json", b"text/event-stream", b"image/png"

pytestmark = pytest.mark.more


def run(what, path, *requests):
    """What the tool answered, in order."""
    if not FOLDER.is_dir():
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), "not installed: make .sdk/predecessors"
        pytest.skip("not installed: make .sdk/predecessors")
    lines = [
        json.dumps({"method": "POST", "url": url, "body": coded(body), "headers": fields})
        for url, body, fields in requests
    ]
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, PROGRAM, what, str(path)],
        input="".join(f"{line}\n" for line in lines),
        env=env | {"PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=LIMIT * 4,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def coded(body):
    return base64.b64encode(body).decode()


def body_of(answer):
    return base64.b64decode(answer["body"])


def recorded(sent, body, kind=JSON, target=b"/v1/chat/completions", status=200, sizes=()):
    head = ResponseHead(status, b"", Headers([(b"Content-Type", kind)]))
    return Recording(
        id=1,
        request=Request(b"POST", target, Headers([]), Bytes(sent)),
        response=Response(head, Bytes(body), Pieces(array("Q", sizes), array("Q", [0] * len(sizes)))),
        upstream=parse_upstream(f"{OPENAI}/v1"),
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=1.0,
        status=status,
    )


def asking(text, **more):
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": text}]}]
    return json.dumps({"model": "m", "messages": messages, "temperature": 0.5} | more).encode()


TOOLS = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object"}, "strict": True}}]
RECORDED = [
    recorded(asking("a"), b'{"id": 1, "text": "\xc3\xa9", "n": 1.5}'),
    recorded(asking("b", tools=TOOLS, tool_choice="auto"), b"data: 1\n\ndata: [DONE]\n\n", SSE),
    recorded(asking("c"), b"data: 1\r\n\r\ndata: 2", SSE),
    recorded(asking("d"), b"\x89PNG\xff", PNG),
    recorded(asking("e"), b'{"a": 1e999, "a": "\\ud800"}'),
    recorded(asking("f"), b'"only text"'),
    recorded(asking("g"), b'{"error": {}}', status=429),
    recorded(asking("h"), b""),
    recorded(b"a=1&b=2", b"{}", target=b"/v1/audio?x=y"),
    recorded(b"a=1&b=3", b"[]", target=b"/v1/audio?x=y"),
    recorded(b"{}", b"{}", target=b"/v1/a%20b/c:d"),
]


def exported(name, recordings):
    """A file as `llmproxy export` puts it together."""
    writer = writer_named(name)
    return writer.head + writer.between.join(writer.entry(one).text for one in recordings) + writer.tail


def test_an_empty_export_has_nothing(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes(writer_named("promptecho").empty)
    (found,) = run("promptecho_replay", path, (f"{OPENAI}/v1/chat/completions", asking("a"), None))
    assert "Cassette miss" in found["miss"]


@pytest.mark.parametrize("way", ["--cassette-format", "export"])
def test_promptecho_replays_what_we_write(tmp_path, way):
    path = tmp_path / "c.yaml"
    path.write_bytes(exported("promptecho", RECORDED) if way == "export" else text(PromptechoText(), RECORDED).text)
    wanted = [(OPENAI + one.request.target.decode(), one.request.body.whole(), None) for one in RECORDED]
    found = run("promptecho_replay", path, *wanted, (f"{OPENAI}/v1/chat/completions", asking("z"), None))
    assert "Cassette miss" in found.pop()["miss"]
    for one, answer in zip(RECORDED, found, strict=True):
        body = one.response.body.whole()
        assert answer["status"] == one.status
        assert answer["headers"]["content-type"].encode() == one.response.head.headers.get(b"content-type")
        assert body_of(answer) == body or json.loads(body_of(answer)) == json.loads(body)


SENT = [
    (b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}', JSON),
    (b"data: 1\n\ndata: 2\n\n", SSE),
    (b"\xff\xfe\x00\x01\x02", PNG),
    (b"plain text", b"text/plain"),
]


def sent():
    return [("/v1/x", body, {"X-Type": kind.decode()}) for body, kind in SENT]


def test_we_read_what_promptecho_writes_and_write_it_again(tmp_path):
    path = tmp_path / "c.yaml"
    run("promptecho_record", path, *sent())
    data = path.read_bytes()
    found = list(read("c.yaml", data))
    for one, (body, kind) in zip(found, SENT, strict=True):
        back = one.response.body.whole()
        assert one.response.head.headers.get(b"content-type") == kind
        assert back == body or json.loads(back) == json.loads(body)
    form = PromptechoText().like("c.yaml", data)
    assert form.whole(form.entries("c.yaml", data)) == data


TEXT, SAID = {"type": "text", "text": "x", "cache_control": {}}, {"role": "user", "content": "hi"}
KEYED = [
    json.dumps(body).encode()
    for body in (
        {"messages": [{"role": "system"}, {"role": "developer", "content": "d"}, SAID]},
        {"messages": [{"role": "system", "content": [TEXT, TEXT]}, SAID], "max_completion_tokens": 5},
        {"messages": [{"role": "user", "content": [TEXT]}, {"role": "user", "content": [TEXT, {"type": "image"}]}]},
        {"system": [TEXT, {"type": "image"}, TEXT], "messages": [SAID], "tools": [{"name": "t", "input_schema": {}}]},
        {"system": [{"type": "text", "text": ""}]},
        {"system": [{"type": "image"}]},
        {
            "tools": [{"type": "function", "function": {"name": "\xe9", "strict": True}}, 5],
            "tool_choice": {"type": "any"},
        },
        {"tools": [{"name": "t", "parameters": {"b": 1.50, "a": 10**30}}], "tool_choice": "required"},
        {"model": "m", "thinking": {"budget": 1}, "reasoning": None, "temperature": 1},
        {},
    )
]


def test_our_keys_are_those_that_promptecho_writes(tmp_path):
    path = tmp_path / "c.yaml"
    run("promptecho_record", path, *sent(), *(("/v1/x", body, {"X-Type": "application/json"}) for body in KEYED))
    keys = [line.split()[1] for line in path.read_text().splitlines() if "match_key:" in line]
    made = [recorded(body, b"{}", target=b"/v1/x") for body in (*(body for body, _ in SENT), *KEYED)]
    local = parse_upstream("http://127.0.0.1")
    ours = text(PromptechoText(), [Recording(**{**_members(one), "upstream": local}) for one in made]).text
    assert [line.split()[1] for line in ours.decode().splitlines() if "match_key:" in line] == keys


def _members(one):
    return {
        name: getattr(one, name) for name in ("id", "request", "response", "ending", "outcome", "started", "status")
    }


LOGGED = [recorded(b"{}", b"data: 1\n\ndata: 2\n\n", SSE, sizes=[9, 9]), recorded(b"{}", b"\x89\xff", PNG, status=500)]


@pytest.mark.parametrize("way", ["--cassette-format", "export"])
@pytest.mark.parametrize("one", LOGGED, ids=["stream", "error"])
def test_asgi_replay_replays_what_we_write(tmp_path, one, way):
    path = tmp_path / "log.json"
    path.write_bytes(exported("asgi-replay", [one]) if way == "export" else text(AsgiReplayText(), [one]).text)
    found = run("asgi_replay_replay", path, ("/any", b"x", None), ("/other", b"", None))
    for answer in found:
        assert (answer["status"], body_of(answer)) == (one.status, one.response.body.whole())
        assert answer["headers"]["content-type"].encode() == one.response.head.headers.get(b"content-type")
    assert len(found) == 2


def test_we_read_what_asgi_replay_writes_and_write_it_again(tmp_path):
    run("asgi_replay_record", tmp_path / "log.json", *sent())
    for number, (body, kind) in enumerate(SENT):
        data = (tmp_path / f"log-{number}.json").read_bytes()
        (one,) = read("log.json", data)
        assert one.response.body.whole() == body
        assert list(one.response.pieces.sizes) == [3, len(body) - 3]
        assert one.response.head.headers.get(b"content-type") == kind
        form = AsgiReplayText()
        assert form.whole(form.entries("log.json", data)) == data
        messages = [json.loads(line) for line in data.splitlines()]
        ours = [json.loads(line) for line in form.entry(one).text.splitlines()]
        assert ours[1:] == messages[1:]
