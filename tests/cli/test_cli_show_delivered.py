"""`llmproxy show` of exchanges that rules have changed: their names, what upstream sent, and what the client got."""

import json
import sys

import pytest
from attrs import evolve

from proxy_daemon.cli.exhibit import exhibit
from proxy_daemon.cli.exhibit_text import text
from proxy_daemon.cli.main import main
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.messages import Delivered, Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

RULES = """
[[rule]]
name = "our town"
text = { replace = "Paris", by = "Lutetia" }
[[rule]]
name = "busy"
when = { path = "/v1/models" }
response.status = 503
"""
REQUEST = Request(b"POST", b"/v1/chat/completions", body=Bytes(b'{"model": "m", "messages": []}'))
UPSTREAM = parse_upstream("https://api.example.com")
BUSY = ResponseHead(429, b"Slow down")


@pytest.fixture
def call(monkeypatch, capsysbinary):
    """`call(*words)` is what `llmproxy show WORDS` prints; it ends with 0."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["llmproxy", "show", *words])
        assert main() == 0
        return capsysbinary.readouterr().out

    return run


@pytest.fixture
def proxy(daemon, tmp_path):
    (tmp_path / "rules.toml").write_text(RULES)
    return daemon("--upstream", "demo:", "--rewrite", str(tmp_path / "rules.toml"), store=tmp_path / "s.db")


def shown(delivered=None, rules=(), status=200):
    response = Response(ResponseHead(200, b"OK"), Bytes(b"{}"))
    recording = Recording(
        *(1, REQUEST, response, UPSTREAM, Ending.COMPLETE, Outcome.MISS, 0.0), status=status, rules=rules
    )
    return exhibit("x", evolve(recording, delivered=delivered), BUILT_IN)


def test_an_answer_and_its_hit(call, proxy, tmp_path):
    store = ("--store", str(tmp_path / "s.db"))
    bodies = [proxy.chat("Say Paris.")[2] for _ in range(2)]
    proxy.stop()
    first, second = [each["id"] for each in lines(tmp_path)]
    for each in (first, second):
        assert b"Paris" in call(each, *store, "--raw"), "a hit is shown with the answer of the recording that served it"
    for each, body in zip((first, second), bodies, strict=True):
        assert b"Lutetia" in body
        assert call(each, *store, "--delivered") == body
        assert "  changed by: our town\n" in call(each, *store).decode()
        assert f"  the client got another body: --delivered, {len(body)} octets\n" in call(each, *store).decode()
        told = json.loads(call(each, *store, "--json"))
        assert (told["rules"], told["delivered"]) == (["our town"], {"status": 200, "size": len(body), "cut": False})


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]


def told(proxy):
    """The one exchange, in the list and by itself, once it is known what its client got: a moment after the client."""
    (line,) = proxy.exchanges()
    place = f"/_llmproxy/api/exchanges/{line['id']}"
    found = next(found for _ in range(5000) if "delivered" in (found := proxy.get(place)))
    return proxy.exchanges()[0], found


def test_without_a_change_it_is_upstreams(call, proxy, tmp_path):
    body = proxy.chat("Say London.")[2]
    proxy.stop()
    (only,) = [each["id"] for each in lines(tmp_path)]
    assert call(only, "--store", str(tmp_path / "s.db"), "--delivered") == body
    told = json.loads(call(only, "--store", str(tmp_path / "s.db"), "--json"))
    assert (told["rules"], told["delivered"]) == ([], None)


def test_pages_have_it_too(proxy):
    status, _, body = proxy.chat("Say Paris.")[:3]
    line, found = told(proxy)
    assert line["rules"] == found["rules"] == ["our town"]
    assert (found["delivered"]["status"], found["delivered"]["size"], found["delivered"]["cut"]) == (
        status,
        len(body),
        False,
    )
    assert "content-type" in {name.lower() for name, _ in found["delivered"]["headers"]}
    assert proxy.request("GET", f"/_llmproxy/api/exchanges/{line['id']}/delivered/body")[2] == body


def test_pages_have_no_body_where_it_is_upstreams(proxy):
    assert proxy.request("GET", "/v1/models")[0] == 503
    line, found = told(proxy)
    assert (line["status"], line["rules"]) == (503, ["busy"])
    assert (found["delivered"]["status"], found["delivered"]["size"]) == (503, None)
    assert proxy.request("GET", f"/_llmproxy/api/exchanges/{line['id']}/delivered/body")[0] == 404


@pytest.mark.parametrize(
    ("delivered", "line"),
    [
        (Delivered(BUSY), "  the client got another head\n"),
        (Delivered(BUSY, Bytes(b"abc")), "  the client got another body: --delivered, 3 octets\n"),
        (
            Delivered(BUSY, Bytes(b"abc"), True),
            "  the client got another body: --delivered, 3 octets, of which these are the first\n",
        ),
    ],
)
def test_what_is_said_for_people(delivered, line):
    said = text(shown(delivered, ("a", "b\x1b[31m"), 429))
    assert line in said
    assert "  status 429 Slow down, complete\n" in said
    assert "  changed by: a, b\\x1b[31m\n" in said or ("changed by: a, b" in said and "\x1b" not in said)


def test_nothing_is_said_where_nothing_was_changed():
    said = text(shown())
    assert "changed by" not in said
    assert "the client got" not in said
    assert json.loads(shown().as_json())["delivered"] is None
