"""What is copied, run for real: the server gets the octets that were sent, and no secret stands in the text."""

import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspected import CHAT, JSON, PNG, USER, read

from proxy_daemon.core.inspecting.copying import LONGEST_ARGUMENT, copy_view
from proxy_daemon.core.inspecting.sent import BODY_FILE, LARGEST, key_of, sent
from proxy_daemon.core.upstreams import parse_upstream

KEY = "k-123 '\"$x"
NEEDS = {"curl": "curl", "python": sys.executable, "javascript": "node"}
LANGUAGES = tuple(NEEDS)
_STEERING = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Taking(BaseHTTPRequestHandler):
    """Keeps what it gets."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        pairs = [(name.lower(), value) for name, value in self.headers.items()]
        self.server.got.append((self.command, self.path, pairs, body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else b"ok")

    do_HEAD = do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(language, text, folder, **environ):
    """The standard output of what is copied."""
    program = shutil.which(NEEDS[language])
    if program is None:
        if os.environ.get("LLMPROXY_REQUIRE_ALL"):
            pytest.fail(f"{language} cannot be run")
        pytest.skip(f"{language} cannot be run")
    name = {"curl": "copied.sh", "python": "copied.py", "javascript": "copied.mjs"}[language]
    (folder / name).write_text(text)
    command = {"curl": ["bash", name], "python": [program, name], "javascript": [program, name]}[language]
    passed = {each: os.environ[each] for each in ("PATH", "LANG", "HOME") if each in os.environ}
    done = subprocess.run(command, cwd=folder, env=passed | environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, (text, done.stderr)
    return done.stdout


def asked(server, body, *, target=CHAT, method=b"POST", fields=(JSON,)):
    upstream = parse_upstream(f"openai=http://127.0.0.1:{server.server_address[1]}/v1")
    found = read(body, path=target, sent=fields, upstream=upstream)
    object.__setattr__(found.recording.request, "method", method)
    return found


def sent_by(server, language, found, folder, **environ):
    server.got.clear()
    run(language, copy_view(found, language)["text"], folder, **environ)
    assert len(server.got) == 1
    return server.got[0]


BODIES = {
    "json": '{"model":"m","messages":[{"role":"user","content":"hi"}]}',
    "quotes": '{"a": "it\'s \'so\' \\"and\\" \\\\ so $HOME `id` !x"}',
    "lines": "one\ntwo\n\n",
    "no end": "x'",
    "backslash": "x\\",
    "tripled": "'''x'''",
    "carriage": "a\r\nb\rc",
    "tabs": "a\tb",
    "letters": "é€😀 日本",
    "separators": "a\u2028b\u2029c\ufeff",
    "escapes": "\x1b[31mred\x1b]0;t\x07",
    "bidi": "a\u202eb",
    "at": "@/etc/passwd",
    "percent": "%s %d %%",
    "dash": "-n",
    "heredoc": "EOF\nEND\n",
    "binary": bytes(range(256)) + PNG,
    "nul": b"a\0b",
    "invalid": b"caf\xe9",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_octets_of_the_body_are_the_same(server, language, name, tmp_path):
    body = BODIES[name] if isinstance(BODIES[name], bytes) else BODIES[name].encode()
    method, path, pairs, got = sent_by(server, language, asked(server, body), tmp_path)
    assert (method, path) == ("POST", CHAT.decode())
    assert got == body
    assert ("content-type", "application/json") in pairs


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_body_that_is_no_argument_for_its_length(server, language, tmp_path):
    body = b'{"a": "' + b"it's " * (LONGEST_ARGUMENT // 4) + b'"}'
    assert LONGEST_ARGUMENT < len(body) < LARGEST
    assert sent_by(server, language, asked(server, body), tmp_path)[3] == body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_body_that_is_too_long_is_a_file(server, language, tmp_path):
    body = b"x" * (LARGEST + 1)
    found = asked(server, body)
    text = copy_view(found, language)["text"]
    assert len(text) < 2000
    assert str(len(body)) in text
    (tmp_path / BODY_FILE).write_bytes(body)
    assert sent_by(server, language, found, tmp_path)[3] == body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"HEAD"])
def test_without_a_body(server, language, method, tmp_path):
    found = asked(server, b"", target=b"/v1/models?limit=2", method=method, fields=())
    got = sent_by(server, language, found, tmp_path)
    assert (got[0], got[1], got[3]) == (method.decode(), "/v1/models?limit=2", b"")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_key_comes_from_the_environment(server, language, tmp_path):
    fields = (
        JSON,
        (b"Authorization", b"Bearer sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"),
        (b"X-Api-Key", b"REDACTED"),
    )
    found = asked(server, BODIES["json"].encode(), fields=fields)
    text = copy_view(found, language)["text"]
    assert "OPENAI_API_KEY" in text
    assert "abcdefgh" not in text
    pairs = dict(sent_by(server, language, found, tmp_path, OPENAI_API_KEY=KEY)[2])
    assert pairs["authorization"] == f"Bearer {KEY}"
    assert pairs["x-api-key"] == KEY


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_in_the_address(server, language, tmp_path):
    found = asked(server, b"{}", target=b"/v1beta/models/m:generateContent?key=AIzaSyA0123456789abcdefghijk&alt=sse")
    text = copy_view(found, language)["text"]
    assert "AIza" not in text
    path = sent_by(server, language, found, tmp_path, OPENAI_API_KEY="k1")[1]
    assert path.endswith("/v1beta/models/m:generateContent?key=k1&alt=sse")


@pytest.mark.parametrize("language", LANGUAGES)
def test_fields_of_any_kind(server, language, tmp_path):
    fields = (JSON, (b"X-Odd", b'it\'s "so" $HOME `id` \\ !'), (b"X-Plain", b"a"), (b"Accept-Encoding", b"gzip"))
    pairs = dict(sent_by(server, language, asked(server, b"{}", fields=fields), tmp_path)[2])
    assert pairs["x-odd"] == fields[1][1].decode()
    assert pairs["x-plain"] == "a"
    assert pairs["host"].startswith("127.0.0.1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_odd_signs_in_the_address(server, language, tmp_path):
    found = asked(server, b"{}", target=b"/v1/a'b\"c$HOME`id`[1]{2}?x=%20&y='")
    path = sent_by(server, language, found, tmp_path)[1]
    for sign in ("$HOME", "%20", "&y="):
        assert sign in path
    assert "a'b" in path or "a%27b" in path


@pytest.mark.parametrize("language", ["curl", "python"])
@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/v1/../a/./b//c", "/v1/../a/./b//c"),
        (b"/v1/a%23b?x=#y", "/v1/a%23b?x=%23y"),
        (b"/v1/caf\xc3\xa9", "/v1/caf%C3%A9"),
    ],
)
def test_the_address_stays_as_it_is(server, language, target, path, tmp_path):
    assert sent_by(server, language, asked(server, b"{}", target=target), tmp_path)[1] == path


@pytest.mark.parametrize("language", ["curl", "python"])
@pytest.mark.parametrize("body", [b"abc", b"a\0b"])
def test_nobody_says_that_a_body_without_a_type_is_a_form(server, language, body, tmp_path):
    _, _, pairs, got = sent_by(server, language, asked(server, body, fields=()), tmp_path)
    assert got == body
    assert dict(pairs).get("content-type", "") == ""


@pytest.mark.parametrize("language", LANGUAGES)
@given(st.binary(max_size=200), st.binary(max_size=30), st.text(max_size=60))
def test_nothing_in_it_steers_a_terminal(language, octets, value, text):
    for body in (octets, text.encode("utf-8", "replace")):
        fields = ((b"X-Field", value.replace(b"\n", b"").replace(b"\r", b"")),)
        copied = copy_view(read(body, path=b"/v1/" + octets[:20].replace(b" ", b""), sent=fields), language)["text"]
        assert _STEERING.search(copied) is None


@pytest.mark.parametrize(
    ("upstream", "path", "key"),
    [
        ("https://api.openai.com/v1", CHAT, "OPENAI_API_KEY"),
        ("groq=https://api.groq.com/openai/v1", CHAT, "GROQ_API_KEY"),
        ("work=https://h.example", b"/v1/messages", "ANTHROPIC_API_KEY"),
        ("work=https://h.example", b"/v1beta/models/m:generateContent", "GEMINI_API_KEY"),
        ("work=https://h.example", b"/model/m/converse", "AWS_BEARER_TOKEN_BEDROCK"),
        ("work=https://h.example", b"/v2/chat", "CO_API_KEY"),
        ("work=https://h.example", b"/nobodys", "API_KEY"),
    ],
)
def test_which_variable_holds_the_key(upstream, path, key):
    assert key_of(read(path=path, upstream=parse_upstream(upstream))) == key


def test_other_secrets_have_variables_of_their_own():
    fields = ((b"OpenAI-Organization", b"REDACTED"), (b"X-Auth-Token", b"<API_KEY_2>"), (b"Cookie", b"REDACTED"))
    text = copy_view(read(sent=(*fields, (b"X-Tenant", b"a REDACTED"))), "curl")["text"]
    assert '"X-Tenant: a ${X_TENANT}"' in text
    numbered = copy_view(read(sent=((b"2fa-token", b"REDACTED"),)), "curl")["text"]
    assert "${FA_TOKEN}" in numbered  # no shell has a variable whose name begins with a digit
    assert "OPENAI_API_KEY" not in text
    assert '"OpenAI-Organization: ${OPENAI_ORGANIZATION}"' in text
    assert "${X_AUTH_TOKEN}" in text
    assert "ookie" not in text


def test_where_it_goes_when_the_host_is_not_known():
    unknown = parse_upstream("https://x.example")
    object.__setattr__(unknown, "host", "")
    assert "https://api.openai.com/v1/chat/completions" in copy_view(read(upstream=unknown), "curl")["text"]
    assert "https://api.openai.com/v1/chat" in copy_view(read(upstream=parse_upstream("demo:")), "curl")["text"]


def test_how_curl_looks():
    fields = (JSON, (b"Authorization", b"Bearer <API_KEY_1>"))
    text = copy_view(read({"model": "m", "messages": [USER]}, sent=fields), "curl")["text"]
    assert text == (
        "curl 'https://api.openai.com/v1/chat/completions' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer ${OPENAI_API_KEY}" \\\n'
        """  --data-raw '{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'\n"""
    )


def test_a_field_that_is_there_twice_is_one_in_python():
    fields = ((b"X-A", b"1"), (b"x-a", b"2"))
    assert "'X-A': '1' + ', ' + '2'" in copy_view(read(sent=fields), "python")["text"]


@pytest.mark.parametrize("language", ["ruby", "", None, 7])
def test_languages_that_are_none(language):
    with pytest.raises(ValueError, match="as is one of"):
        copy_view(read(), language)


def test_what_is_made_anew_is_left_out():
    names = [b"Host", b"Content-Length", b"Accept-Encoding", b"Connection", b"X-LLMProxy-Session", b"X-Stainless-OS"]
    found = sent(read(sent=[(name, b"1") for name in names]))
    assert [name for name, _ in found.headers] == ["X-Stainless-OS"]
