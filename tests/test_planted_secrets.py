"""Thirty secrets of different kinds pass a daemon: none is in any file, log or page that it leaves."""

import base64
import json
import random
import string

import pytest
from rig import SSE_HEAD, Daemons, RawUpstream, chunk, json_answer

ALNUM = string.ascii_letters + string.digits
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


def secret(number, length=40):
    """Letters and digits that look random, other ones for each number."""
    return "".join(random.Random(number).choices(ALNUM, k=length - 2)) + "q7"


PREFIXES = ("sk-proj-", "sk-ant-api03-", "gsk_", "hf_q", "ghp_", "xai-", "r8_", "sk_live_", "AIza", "github_pat_")
KEYS = [prefix + secret(at, 35 if prefix == "AIza" else 44) for at, prefix in enumerate(PREFIXES)]
# (method, target, fields, body, the secret)
HEADS = [
    ({name: value.format(secret(at))}, secret(at))
    for at, (name, value) in enumerate(
        {
            "Authorization": "Bearer {}",
            "X-Api-Key": "{}",
            "Cookie": "session={}",
            "api-key": "{}",
            "X-Goog-Api-Key": "{}",
            "Referer": "https://host/?key={}",
            "X-Note": "Bearer {}",
            "X-Amz-Security-Token": "{}",
            "Proxy-Token": "{}",
        }.items(),
        start=20,
    )
]
TARGETS = [
    (f"/v1/models?{name}={secret(at)}", secret(at))
    for at, name in enumerate(("key", "access_token", "X-Amz-Signature", "token"), start=40)
]
PARTS = '--b\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\n{}\r\n--b--\r\n'
BODIES = [
    (JSON, '{{"client_secret":"{}"}}', secret(50)),
    (JSON, '{{"apiKey":"{}"}}', secret(51)),
    (FORM, "grant_type=x&password={}", secret(52)),
    ({"Content-Type": "multipart/form-data; boundary=b"}, PARTS, secret(53)),
    (JSON, '{{"messages":[{{"role":"user","content":"MISTRAL_API_KEY={}"}}]}}', secret(54)),
    (JSON, '{{"tools":[{{"type":"mcp","authorization":"{}"}}]}}', secret(55)),
    (JSON, '{{"client_secret":{{"value":"{}"}}}}', secret(56)),
    # each asks something else: what differs in its key only is one request, and answered from the recording
    *((JSON, '{{"messages":[{{"content":"use {} ' + str(at) + '"}}]}}', key) for at, key in enumerate(KEYS[:5])),
]
ANSWERS = [
    *(json_answer({"choices": [{"message": {"content": f"try {key}"}}]}) for key in KEYS[5:8]),
    json_answer({"error": {"message": f"Incorrect API key provided: {KEYS[8]}"}}, 401),
]
STREAMED = KEYS[9]


def streamed():
    texts = [STREAMED[at : at + 5] for at in range(0, len(STREAMED), 5)]
    events = [json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}) for text in ("it is ", *texts, ".")]
    return SSE_HEAD + b"".join(chunk(f"data: {each}\n\n".encode()) for each in (*events, "[DONE]")) + chunk(b"")


def secrets():
    found = [each[-1] for each in (*HEADS, *TARGETS, *BODIES)] + KEYS
    return list(dict.fromkeys(found))


def test_there_are_thirty():
    assert len(secrets()) >= 30


@pytest.fixture
def daemons(tmp_path):
    made = Daemons(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def upstream():
    answers = iter([])

    def play(peer):
        while peer.request()[0]:
            peer.send(next(play.answers, json_answer({"ok": True})))

    play.answers = answers
    made = RawUpstream(play)
    made.plays = play
    yield made
    made.close()


def everything(daemon, folder):
    """All octets in files, of the log, and of the pages about each exchange."""
    pages = [daemon.request("GET", "/_llmproxy/api/exchanges?limit=500")[2]]
    for exchange in daemon.exchanges():
        page = f"/_llmproxy/api/exchanges/{exchange['id']}"
        pages += [daemon.request("GET", page + part)[2] for part in ("", "/request/body", "/response/body")]
    daemon.stop()
    daemon.reader.join()
    return b"".join([*pages, *daemon.said, *(path.read_bytes() for path in folder.rglob("*") if path.is_file())])


def test_no_secret_is_left_by_a_run(daemons, upstream, tmp_path):
    daemon = daemons.start("--upstream", upstream.url)
    for fields, _ in HEADS:
        daemon.request("POST", "/v1/chat/completions", "{}", JSON | fields)
    for target, _ in TARGETS:
        daemon.request("GET", target)
    for fields, body, planted in BODIES:
        daemon.request("POST", "/v1/chat/completions", body.format(planted), fields)
    upstream.plays.answers = iter([*ANSWERS, streamed()])
    for at in range(len(ANSWERS) + 1):
        daemon.chat(f"question {at}", stream=at == len(ANSWERS))
    sent = b"".join(head + body for head, body in upstream.requests)
    assert all(planted.encode() in sent for _, _, planted in BODIES), "they went upstream as they are"
    left = everything(daemon, tmp_path)
    assert b"REDACTED" in left
    assert [each for each in secrets() if each.encode() in left] == []
    assert [each for each in secrets() if each[8:40].encode() in left] == []


def test_a_miss_is_explained_without_them(daemons, upstream, tmp_path):
    recording = daemons.start("--upstream", upstream.url)
    recording.chat(f"remember {KEYS[0]}, please")
    recording.settle()
    recording.stop()
    daemon = daemons.start("--mode", "none")
    status, _, answer = daemon.chat(f"remember {KEYS[1]}, please, and more")
    assert status == 424
    assert KEYS[0].encode() not in answer
    assert KEYS[1].encode() not in answer
    left = everything(daemon, tmp_path)
    assert [each for each in KEYS[:2] if each.encode() in left] == []


@pytest.mark.parametrize(("policy", "kept"), [("redact", True), ("refuse", False), ("record", True)])
def test_what_stands_in_base64_is_told(daemons, upstream, tmp_path, policy, kept):
    daemon = daemons.start("--upstream", upstream.url, "--on-secret", policy)
    coded = base64.b64encode(f"the key is {KEYS[0]}".encode()).decode()
    daemon.chat(f"see {coded}")
    left = everything(daemon, tmp_path)
    assert (coded.encode() in left) == kept
    assert KEYS[0].encode() not in left
    said = b"".join(daemon.said)
    assert b"the request's body, base64 at " in said
    assert b"OpenAI key" in said
    assert coded.encode() not in said


def test_a_bad_rule_stops_the_start(daemons, tmp_path):
    (tmp_path / "c.toml").write_text("\n[[redact]]\nname = 'tenant'\npattern = '('\n")
    with pytest.raises(AssertionError, match=r"c\.toml:2: rule 'tenant': pattern: '\('"):
        daemons.start("--config", str(tmp_path / "c.toml"))


def test_a_rule_holds_in_a_daemon(daemons, upstream, tmp_path):
    (tmp_path / "c.toml").write_text("[[redact]]\nname = 'tenant'\npattern = 'acme-[0-9]+'\njson = ['user']\n")
    daemon = daemons.start("--upstream", upstream.url, "--config", str(tmp_path / "c.toml"))
    daemon.chat("of acme-123456", user="somebody.special")
    left = everything(daemon, tmp_path)
    assert b"acme-123456" not in left
    assert b"somebody.special" not in left
