"""Makes the pictures of the web UI: docs/images/{list,chat,stream,diff}-{light,dark}.png.

    python tools/screenshots.py [FOLDER]      needs Chromium and the extra `browser`

A daemon of its own relays made-up conversations (conversations.py) from a made-up upstream in this process; nothing of
the person's own is read, and nothing leaves the machine.
"""
# ruff: noqa: INP001, T201  (a script: it stands alone, and tells what it did)

import base64
import http.client
import http.server
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import conversations as said

FOLDER = Path(__file__).parents[1] / "docs" / "images"
SIZE = {"width": 1440, "height": 900}
NAMES = ("chromium", "chromium-browser", "google-chrome")
THEMES = ("light", "dark")
WAIT = 30_000  # ms
FIRST_WORD, PAUSE, GAP = 0.45, 0.011, 0.6  # seconds of the stream
ROW = "[data-testid=row] .cell.asked"
SLOW = "lab-slow"  # a model whose stream lasts until all pictures are there


class Server(http.server.ThreadingHTTPServer):
    """``over``: the slow stream may end."""

    over = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Its clients go when the daemon ends."""


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers what conversations.py has, in the form of the API that was asked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked.get("stream"):
            self._stream(asked["model"])
        elif "busy" in asked["model"]:
            self._whole(
                429, {"error": {"message": "Too many requests: try again in 20 s.", "type": "rate_limit_error"}}
            )
        elif self.path.endswith("/messages"):
            self._whole(200, message(asked))
        elif self.path.endswith("/embeddings"):
            self._whole(200, embedding(asked))
        else:
            self._whole(200, chat(asked))

    def _whole(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        time.sleep(0.02 + len(body) / 40_000)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, model: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        time.sleep(FIRST_WORD)
        for event in events(model):
            if model == SLOW:
                Server.over.wait(0.2)
            self._chunk(b"data: " + event + b"\n\n")
        if model == SLOW:
            Server.over.wait(300)  # it streams for as long as pictures are taken
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        if not Server.over.is_set():
            time.sleep(PAUSE * (1 + zlib.crc32(data) % 5 / 2) + (GAP if b"```" in data else 0))

    def log_message(self, *words: object) -> None:
        """Not to standard error."""


def message(asked: dict[str, Any]) -> dict[str, Any]:
    """An answer of the agent."""
    content = next(answer for turn, answer in said.AGENT if len(turn) == len(asked["messages"]))
    reason = "tool_use" if content[-1]["type"] == "tool_use" else "end_turn"
    tokens = {"input_tokens": 420 + 180 * len(asked["messages"]), "output_tokens": 24 + len(json.dumps(content)) // 4}
    facts = {"id": f"msg_{len(asked['messages']):02}", "type": "message", "role": "assistant", "model": asked["model"]}
    return facts | {"content": content, "stop_reason": reason, "stop_sequence": None, "usage": tokens}


def chat(asked: dict[str, Any]) -> dict[str, Any]:
    """A short answer."""
    words = asked["messages"][-1]["content"]
    text = next(
        (answer for _, _, question, answer in said.SHORT if question == words), "The Petrel, the Anna Maria, the Tern."
    )
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    counts = len(words) // 4 + 30, len(text) // 4 + 1
    usage = {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [choice],
        "usage": usage,
    }


def embedding(asked: dict[str, Any]) -> dict[str, Any]:
    """Numbers."""
    values = [round((zlib.crc32(b"%d" % at) % 2000 - 1000) / 1000, 3) for at in range(256)]
    data = [{"object": "embedding", "index": at, "embedding": values} for at, _ in enumerate(asked["input"])]
    return {"object": "list", "data": data, "model": asked["model"], "usage": {"prompt_tokens": 9, "total_tokens": 9}}


def events(model: str) -> Iterator[bytes]:
    """A stream with reasoning, an answer, usage."""
    for name, text in (("reasoning_content", said.THOUGHT), ("content", said.LIGHTHOUSE)):
        for word in re.findall(r"\S+\s*|\s+", text):
            yield event(model, {"delta": {name: word}, "finish_reason": None})
    yield event(model, {"delta": {}, "finish_reason": "stop"})
    details = {"completion_tokens_details": {"reasoning_tokens": 64}}
    usage = {"prompt_tokens": 31, "completion_tokens": 318, "total_tokens": 349} | details
    yield json.dumps({"id": "chat-2", "model": model, "choices": [], "usage": usage}).encode()
    yield b"[DONE]"


def event(model: str, choice: dict[str, Any]) -> bytes:
    """One of them."""
    facts = {"id": "chat-2", "object": "chat.completion.chunk", "created": 1, "model": model}
    return json.dumps(facts | {"choices": [{"index": 0} | choice]}).encode()


@contextmanager
def upstream() -> Iterator[str]:
    """Its URL."""
    server = Server(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def daemon(url: str, folder: str) -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", "tcp:0:interface=127.0.0.1"]
    command += ["--store", f"{folder}/store.db", "--log", f"{folder}/log", "--upstream", f"harbour={url}"]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("LLMPROXY_")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=settings)  # noqa: S603  (a command of ours)
    assert process.stderr is not None
    try:
        found = next(filter(None, (re.search(rb"listening on http://[0-9.]+:(\d+)", line) for line in process.stderr)))
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """Asks the daemon."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}/_llmproxy/"

    def post(self, path: str, body: dict[str, Any], session: str = "", agent: str = "harbour-tools/2.1") -> None:
        """Ask; wait for the end."""
        fields = {"Content-Type": "application/json", "User-Agent": agent, "Authorization": "Bearer made-up"}
        if session:
            fields["X-LLMProxy-Session"] = session
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("POST", path, json.dumps(body), fields)
            connection.getresponse().read()

    def get(self, path: str) -> Any:
        """Of the API."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", f"/_llmproxy/api/{path}")
            return json.loads(connection.getresponse().read())

    def short(self, model: str, session: str, words: str, **more: object) -> None:
        """A question with a short answer."""
        asked = {"model": model, "temperature": 0.2, "messages": [{"role": "user", "content": words}]}
        self.post("/v1/chat/completions", asked | more, session)

    def stream(self, model: str, words: str, session: str) -> None:
        """A question with a long answer."""
        asked = {"model": model, "stream": True, "messages": [{"role": "user", "content": words}]}
        self.post("/v1/chat/completions", asked, session)

    def found(self, words: str) -> str:
        """The id of the newest exchange that matches this filter."""
        deadline = time.monotonic() + WAIT / 1000
        while time.monotonic() < deadline:
            rows = self.get(f"exchanges?limit=1&q={words}")["exchanges"]
            if rows:
                return str(rows[0]["id"])
            time.sleep(0.1)
        raise SystemExit(f"no exchange: {words}")


def talk(client: Client) -> None:
    """Let everything be said."""
    for model, session, words, _ in said.SHORT:
        client.short(model, session, words)
    client.post("/v1/embeddings", {"model": "lab-vectors", "input": ["quay", "harbour", "beach"]}, "labels")
    client.short("lab-busy", "weather", "Where does the storm go tonight?")
    for number in said.AGAIN:
        client.short(*said.SHORT[number][:3])
    tools, system = [said.READ, said.RUN], said.HARBOUR
    for turn, _ in said.AGENT:
        asked = {"model": "lab-agent", "max_tokens": 2000, "system": system, "tools": tools, "messages": turn}
        client.post("/v1/messages", asked, "tides", "harbour-agent/0.4")
    client.short("lab-large", "harbour-log", said.CHANGED, temperature=0.7)
    client.stream("lab-thinker", said.DISTANCE, "weather")


def photographs(client: Client, folder: Path, path: str) -> None:
    """All of them."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (an extra: what it is needed for is said first)

    places = {
        "list": "#/",
        "chat": f"#/x/{client.found('~said%20rounding')}",
        "stream": f"#/x/{client.found('~model%20thinker')}/stream",
        "diff": f"#/x/{client.found('~said%20%22two%20hours%22')}/diff",
    }
    with (
        sync_playwright() as driver,
        closing(driver.chromium.launch(executable_path=path, args=["--no-sandbox"])) as browser,
    ):
        follower = browser.new_page()
        follower.goto(client.url)
        follower.locator(ROW).first.wait_for()
        slow = threading.Thread(target=client.stream, args=(SLOW, said.TIDE, "weather"), daemon=True)
        slow.start()
        for theme in THEMES:
            context = browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce")
            for name, place in places.items():
                file = folder / f"{name}-{theme}.png"
                file.write_bytes(smaller(context.new_page(), photograph(context.new_page(), client, name, place)))
                print(f"{file} {file.stat().st_size:,} octets")
        Server.over.set()
        slow.join()


def photograph(page: Any, client: Client, name: str, place: str) -> bytes:
    """One, when all is there."""
    page.set_default_timeout(WAIT)
    page.goto(client.url + place)
    page.locator(ROW, has_text="lighthouse").first.wait_for()
    page.locator("[data-testid=row][data-state=streaming]").wait_for()
    if name == "list":
        page.locator("[data-testid=list]").focus()
        page.keyboard.press("j")
    else:
        page.locator(READY[name]).first.wait_for()
    page.evaluate("document.fonts.ready")
    return bytes(page.screenshot())


READY = {
    "chat": "[data-testid=answer] .markdown pre",
    "stream": "[data-testid=event]",
    "diff": "[data-testid=difference]",
}


# The picture in at most 256 colours: [their red, green, blue, ...; a colour's number for each pixel as base64].
FEWER = """async (picture) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + picture)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const far = (one, other) => one.reduce((sum, part, at) => sum + (part - other[at]) ** 2, 0);
  const kept = [];
  for (const [pixel] of [...counts].sort((one, other) => other[1] - one[1])) {
    if (kept.length < 256 && kept.every((each) => far(each, parts(pixel)) > 40)) kept.push(parts(pixel));
  }
  const number = new Map();
  for (const pixel of counts.keys()) {
    const distances = kept.map((each) => far(each, parts(pixel)));
    number.set(pixel, distances.indexOf(Math.min(...distances)));
  }
  let text = "";
  for (const pixel of pixels) text += String.fromCharCode(number.get(pixel));
  return [kept.flat(), btoa(text)];
}"""


def smaller(page: Any, picture: bytes) -> bytes:
    """The same picture with a table of its colours."""
    colours, numbers = page.evaluate(FEWER, base64.b64encode(picture).decode())
    pixels = base64.b64decode(numbers)
    rows = (b"\0" + pixels[at : at + SIZE["width"]] for at in range(0, len(pixels), SIZE["width"]))
    head = struct.pack(">IIBBBBB", SIZE["width"], SIZE["height"], 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", bytes(colours)), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return picture[:8] + b"".join(chunk(name, data) for name, data in parts)


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG (section 5.3 of its specification)."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def main() -> int:
    """Exit code."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    path = os.environ.get("LLMPROXY_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        print("Chromium is not installed (apt-get install chromium, or $LLMPROXY_CHROMIUM)", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with upstream() as url, tempfile.TemporaryDirectory() as place, daemon(url, place) as port:
        client = Client(port)
        talk(client)
        photographs(client, folder, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
