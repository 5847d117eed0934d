"""`llmproxy demo`: the main job in half a minute, with no key and no network.

Two daemons of their own processes: the built-in model as the "API", and the proxy before it. The demo talks to the
proxy as any client would, then takes the API away.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson

QUESTION = {"model": "demo-1", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
REFUSED = 424
READY = re.compile(rb"listening on (http://[^,\s]+)")


def run(arguments: list[str]) -> int:
    """Show it. Returns the exit code: 0 where all went as told."""
    if arguments:
        sys.stderr.write("llmproxy demo takes no arguments\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="llmproxy-demo-") as folder:
        return _show(str(Path(folder) / "demo.db"))


def _show(store: str) -> int:
    with (
        daemon("--upstream", "demo:", "--store", "off") as model,
        daemon("--upstream", f"{model}/v1", "--store", store) as proxy,
    ):
        _say(f"an LLM API (the built-in model) runs on {model}", f"llmproxy runs before it on {proxy}")
        _title("1. A question goes through, and its answer is recorded")
        first = ask(f"{proxy}/v1/chat/completions", QUESTION)
        _tell(first)
        _title("2. A stream goes through as it comes")
        streamed = stream(f"{proxy}/v1/chat/completions", QUESTION)
    _say("", "the API is gone now")
    with daemon("--upstream", f"{model}/v1", "--store", store, "--mode", "none") as proxy:
        _title("3. The same questions again, in mode none: replayed")
        second = ask(f"{proxy}/v1/chat/completions", QUESTION)
        _tell(second)
        replayed = stream(f"{proxy}/v1/chat/completions", QUESTION)
        _title("4. A question that differs: refused, with the difference")
        other = orjson.loads(orjson.dumps(QUESTION).replace(b"France", b"Italy"))
        miss = ask(f"{proxy}/v1/chat/completions", other)
        _say(f"   {miss['status']}  {miss['body']['error']['message']}")
    good = first["body"] == second["body"] and streamed == replayed and miss["status"] == REFUSED
    _say("", "All as it should be." if good else "Something is wrong: the answers differ.")
    _say("Now with your own API:  llmproxy serve --upstream https://api.openai.com/v1")
    _say("and in your client:     OPENAI_BASE_URL=http://127.0.0.1:8910/v1")
    return 0 if good else 1


@contextmanager
def daemon(*options: str) -> Iterator[str]:
    """A daemon on a free port; gives its address, ends it afterwards."""
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", "tcp:0:interface=127.0.0.1"]
    process = subprocess.Popen(  # noqa: S603  (its own interpreter, its own words)
        [*command, "--log", "off", *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _address(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    said = b""
    for line in process.stderr:
        said += line
        if found := READY.search(line):
            return found[1].decode()
    raise SystemExit(f"the daemon did not start:\n{said.decode(errors='replace')}")


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """One question and its whole answer."""
    started = time.monotonic()
    status, headers, data = _exchange(url, body)
    elapsed = (time.monotonic() - started) * 1000
    return {"status": status, "cache": headers.get_all("Cache-Status")[-1], "ms": elapsed, "body": orjson.loads(data)}


def stream(url: str, body: dict[str, Any]) -> list[bytes]:
    """One question whose answer streams; prints it as it comes. Returns its events."""
    events = []
    _say("   ", end="")
    with urlopen(_request(url, body | {"stream": True})) as answer:  # noqa: S310  (our own loopback address)
        for line in answer:
            if line.startswith(b"data: {"):
                events.append(line)
                delta = orjson.loads(line[6:])["choices"][0]["delta"]
                _say(delta.get("content") or "", end="")
        _say("", f"   {len(events)} events, {answer.headers.get_all('Cache-Status')[-1]}")
    return events


def _exchange(url: str, body: dict[str, Any]) -> tuple[int, Any, bytes]:
    try:
        with urlopen(_request(url, body)) as answer:  # noqa: S310  (our own loopback address)
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def _request(url: str, body: dict[str, Any]) -> Request:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer demo"}
    return Request(url, orjson.dumps(body), headers)  # noqa: S310  (our own loopback address)


def _tell(answer: dict[str, Any]) -> None:
    text = answer["body"]["choices"][0]["message"]["content"]
    _say(f"   {answer['status']}  {text!r}", f"   {answer['ms']:.0f} ms, {answer['cache']}")


def _title(text: str) -> None:
    _say("", text)


def _say(*lines: str, end: str = "\n") -> None:
    for line in lines:
        sys.stdout.write(line + end)
    sys.stdout.flush()
