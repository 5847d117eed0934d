"""vcrpy itself (PyPI) replays what we write, to the real SDKs and to plain clients; and we read what it writes.

It stands in a folder of its own (`make .sdk/vcrpy`): no other test sees it.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from rig import LIMIT
from whole_exchanges import SSE, exchange, file_of

from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.vcrpy_writing import VcrpyWriter
from proxy_daemon.core.upstreams import parse_upstream

FOLDER = Path(__file__).parents[3] / ".sdk" / "vcrpy"
PROGRAM = str(Path(__file__).with_name("vcrpy_program.py"))
PACKED = (b"Content-Encoding", b"gzip")

pytestmark = pytest.mark.more


def run(what, path, *requests, match_on=("method", "scheme", "host", "port", "path", "query", "raw_body")):
    """What the clients got, in order."""
    if not FOLDER.is_dir():
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), "not installed: make .sdk/vcrpy"
        pytest.skip("not installed: make .sdk/vcrpy")
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, PROGRAM, what, str(path), *match_on],
        input="".join(f"{json.dumps(one)}\n" for one in requests),
        env=env | {"PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=LIMIT * 4,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def written(path, *recordings):
    path.write_bytes(file_of(VcrpyWriter(), *recordings))
    return path


def asking(recording, client):
    return {
        "client": client,
        "method": recording.request.method.decode(),
        "url": recording.upstream.url + recording.request.target.decode(),
        "headers": {},
        "body": base64.b64encode(recording.request.body.whole()).decode(),
    }


# --- the SDKs --------------------------------------------------------------------------------------------------------


def events(*values, named=False):
    """A stream as the API sends it."""
    lines = [f"event: {each.get('type')}\n" * named + f"data: {json.dumps(each)}\n\n" for each in values]
    return "".join(lines).encode()


def chunk(text, **more):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None} | more
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "R\xf6me \U0001f600"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
USAGE = {"input_tokens": 1, "output_tokens": 2}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None, "usage": USAGE}
ANSWERED = MESSAGE | {"content": [{"type": "text", "text": "Paris"}], "stop_reason": "end_turn"}
STREAMED = events(
    {"type": "message_start", "message": MESSAGE | {"content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Par"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "is\n"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE},
    {"type": "message_stop"},
    named=True,
)


def of_openai(body, said, **more):
    place = parse_upstream("https://api.openai.com/v1")
    return evolve(exchange(body, target=b"/v1/chat/completions", said=said, **more), upstream=place)


def of_anthropic(body, said):
    place = parse_upstream("https://api.anthropic.com")
    return evolve(exchange(body, target=b"/v1/messages", said=said), upstream=place)


KIND = (b"content-type", b"application/json")
CHUNKED = (b"Transfer-Encoding", b"chunked")


def test_the_sdks_get_json_and_streams_from_vcrpy(tmp_path):
    packed = gzip.compress(json.dumps(CHAT).encode(), mtime=0)
    path = written(
        tmp_path / "c.yaml",
        of_openai(packed, [KIND, PACKED, (b"Content-Length", b"%d" % len(packed))]),
        of_openai(events(chunk("Ro"), chunk("me")) + b"data: [DONE]\n\n", [SSE, CHUNKED]),
        of_openai(b'{"error": {"message": "slow down"}}', [KIND, (b"Retry-After", b"2")], status=429),
        of_anthropic(json.dumps(ANSWERED).encode(), [KIND]),
        of_anthropic(gzip.compress(STREAMED, mtime=0), [SSE, CHUNKED, PACKED]),
    )
    assert run("sdks", path) == [
        {"text": "R\xf6me \U0001f600", "tokens": 3},
        {"text": "Rome"},
        {"status": 429, "retry": "2"},
        {"text": "Paris", "tokens": 2},
        {"text": "Paris\n", "finish": "end_turn"},
        {"played": 5, "all": True},
    ]


# --- plain clients ---------------------------------------------------------------------------------------------------

COOKIES = [(b"Set-Cookie", b"a=1"), (b"X-A", b"1"), (b"Set-Cookie", b"b=2"), (b"X-Empty", b"")]
ODD = [
    exchange(b"\x89PNG\xff\x00", b"\xff\x00", target=b"/binary"),
    exchange(" \x85 \u2028\ufeff\x00 é: '\"\r\n\t\n\n".encode(), "ü\x00\r\n".encode(), target=b"/signs"),
    exchange(b"", b"", target=b"/empty", status=204, reason=b"", said=[]),
    exchange(b"", b"", target=b"/head", method=b"HEAD", said=[(b"Content-Length", b"5")]),
    exchange(b"{}", b"", target=b"/get?a=%C3%A9&b=1&b=2", method=b"GET", said=COOKIES),
    exchange(b"x" * 5000 + b"\n \n" * 2000, target=b"/long", said=[(b"Content-Length", b"9"), CHUNKED]),
    exchange(b"yes", b"no", target=b"/words", said=[(b"true", b"null"), (b"1", b"1_0"), (b"x", b"~")]),
]


@pytest.mark.parametrize("client", ["httpx", "httpx2", "requests", "urllib"])
def test_plain_clients_get_the_octets(tmp_path, client):
    path = written(tmp_path / "c.yaml", *ODD)
    # No body is None to `requests` and empty to httpx: vcrpy tells them apart, and we write it as httpx has it.
    match_on = ("method", "uri", "raw_body") if client in ("httpx", "httpx2") else ("method", "uri")
    asked = [*ODD, exchange(target=b"/miss")]
    found = run("replay", path, *(asking(one, client) for one in asked), match_on=match_on)
    assert found.pop() == {"miss": True}
    for one, got in zip(ODD, found, strict=True):
        assert (got["status"], base64.b64decode(got["body"])) == (one.status, one.response.body.whole())
        for name, value in one.response.head.headers.end_to_end().pairs:
            if name.lower() != b"content-length":
                pairs = [(each.lower(), text) for each, text in got["headers"]]
                merged = {(each, part.strip()) for each, text in pairs for part in text.split(",")}
                assert (name.decode().lower(), value.decode()) in merged, one.request.target


@pytest.mark.parametrize("client", ["httpx", "httpx2"])
def test_what_is_beyond_ascii_reaches_httpx(tmp_path, client):
    one = exchange(b"{}", said=[(b"X-A", b"\xff\xfe")], reason=b"D\xe9sol\xe9")
    (got,) = run("replay", written(tmp_path / "c.yaml", one), asking(one, client))
    assert (got["reason"], ["X-A", "\xff\xfe"] in got["headers"]) == ("OK", True)


def test_what_has_no_address_is_found_without_it(tmp_path):
    path = written(tmp_path / "c.yaml", evolve(exchange(), upstream=parse_upstream("demo:")))
    assert run("replay", path, asking(exchange(), "httpx")) == [{"miss": True}]


@pytest.mark.parametrize("client", ["httpx", "requests"])
def test_we_read_what_vcrpy_writes_and_write_it_again(tmp_path, client):
    path = tmp_path / "c.yaml"
    bodies = [b'{"a": "\xc3\xa9"}', b"\xff\x00", b"data: 1\n\n", gzip.compress(b"{}", mtime=0)]
    run("record", path, *(asking(exchange(sent=body, target=b"/v1/x"), client) for body in bodies))
    found = list(read("c.yaml", path.read_bytes()))
    assert [one.response.body.whole() for one in found] == bodies
    assert [one.request.body.whole() for one in found] == bodies
    assert list(read("c.yaml", file_of(VcrpyWriter(), *found))) == found
