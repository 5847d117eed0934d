"""vcrpy itself replays a cassette to real clients; run by test_core_cassettes_vcrpy_itself.py. Nothing is sent.

`replay PATH MATCHER...`: a line of JSON in for each request {client, method, url, headers, body}; a line out
{status, headers, body}, bodies in base64. `sdks PATH`: a line out for each call of the SDKs. `record PATH`: vcrpy
records what it is asked.
"""

import base64
import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import httpx
import httpx2
import openai
import requests
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException as Miss

TALK = [{"role": "user", "content": "hi"}]


def tell(**said):
    print(json.dumps(said), flush=True)


def coded(data):
    return base64.b64encode(data).decode()


def by_httpx(module, asked):
    with module.Client() as client:
        got = client.request(asked["method"], asked["url"], headers=asked["headers"], content=asked["body"])
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in got.headers.raw]
    tell(status=got.status_code, reason=got.reason_phrase, headers=fields, body=coded(got.content))


def by_requests(asked):
    got = requests.request(asked["method"], asked["url"], headers=asked["headers"], data=asked["body"], timeout=9)
    fields = list(got.raw.headers.items())
    tell(status=got.status_code, reason=got.reason, headers=fields, body=coded(got.content))


def by_urllib(asked):
    sent = urllib.request.Request(asked["url"], asked["body"] or None, asked["headers"], method=asked["method"])
    with urllib.request.urlopen(sent) as got:
        tell(status=got.status, reason=got.reason, headers=got.getheaders(), body=coded(got.read()))


CLIENTS = {
    "httpx": lambda asked: by_httpx(httpx, asked),
    "httpx2": lambda asked: by_httpx(httpx2, asked),
    "requests": by_requests,
    "urllib": by_urllib,
}


def replay(path, *match_on):
    with vcr.use_cassette(path, record_mode="none", match_on=match_on, allow_playback_repeats=True):
        for line in sys.stdin:
            asked = json.loads(line)
            asked["body"] = base64.b64decode(asked["body"])
            try:
                CLIENTS[asked["client"]](asked)
            except Miss:
                tell(miss=True)


def sdks(path, *_):
    with vcr.use_cassette(path, record_mode="none") as cassette:
        asked_openai()
        asked_anthropic()
        tell(played=cassette.play_count, all=cassette.all_played)


def asked_openai():
    client = openai.OpenAI(api_key="sk-none", base_url="https://api.openai.com/v1", max_retries=0)
    whole = client.chat.completions.create(model="m", messages=TALK)
    tell(text=whole.choices[0].message.content, tokens=whole.usage.total_tokens)
    stream = client.chat.completions.create(model="m", messages=TALK, stream=True)
    tell(text="".join(each.choices[0].delta.content or "" for each in stream))
    try:
        client.chat.completions.create(model="m", messages=TALK)
    except openai.RateLimitError as error:
        tell(status=error.status_code, retry=error.response.headers["retry-after"])


def asked_anthropic():
    client = anthropic.Anthropic(api_key="sk-none", base_url="https://api.anthropic.com", max_retries=0)
    whole = client.messages.create(model="m", max_tokens=9, messages=TALK)
    tell(text=whole.content[0].text, tokens=whole.usage.output_tokens)
    with client.messages.stream(model="m", max_tokens=9, messages=TALK) as stream:
        tell(text="".join(stream.text_stream), finish=stream.get_final_message().stop_reason)


class Upstream(BaseHTTPRequestHandler):
    """Answers each request with its own body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        for name, value in (("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def record(path, *_):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with vcr.use_cassette(path, record_mode="all"):
        for line in sys.stdin:
            asked = json.loads(line)
            url = f"http://127.0.0.1:{server.server_port}/v1/x"
            CLIENTS[asked["client"]](asked | {"url": url, "body": base64.b64decode(asked["body"])})


globals()[sys.argv[1]](*sys.argv[2:])
