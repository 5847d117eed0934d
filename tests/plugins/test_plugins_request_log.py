"""The request log: what a line says, that it is one line whatever passes, and where it goes."""

import io
import json
import stat
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Request
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import Event
from proxy_daemon.plugins.request_log import RequestLog, _close, log_line, written
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.testing import START, Kit

CHAT = "/v1/chat/completions"
BODY = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
FIELDS = {
    *("time", "id", "client", "method", "path", "upstream", "dialect", "model", "status", "outcome", "ending"),
    *("request_bytes", "response_bytes", "first_byte_ms", "total_ms"),
}


class Terminal(io.TextIOWrapper):
    """A standard output that says whether it is a terminal."""

    def __init__(self, is_terminal):
        super().__init__(io.BytesIO())
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


class Collected(RequestLog):
    """The plugin under test, its lines in a list."""

    def __init__(self):
        self.lines = []
        self._write = self.lines.append
        self._redactor = Redactor()

    llmproxy_configure = None


@pytest.fixture
def configured(monkeypatch):
    """`configured(log, terminal)` is where the plugin writes; None: nowhere."""
    files = []

    def run(log, stdout):
        monkeypatch.setattr(sys, "__stdout__", stdout)
        services = SimpleNamespace(lines=lambda file: files.append(file) or file.write, redactor=Redactor())
        plugin = RequestLog()
        plugin.llmproxy_configure(Settings(log=log), services)
        return files[-1] if files else None

    yield run
    for file in files:
        _close(file._file)


def exchange(target=b"/v1/models", **more):
    request = Request(b"GET", target)
    return Exchange(1, request, parse_upstream("demo:"), GENERIC, START, **more)


def logged(kit, path=CHAT, body=BODY, **more):
    """The line of one exchange that passes through a kit."""
    plugin = Collected()
    result = kit.send(path, body, **more)
    plugin.llmproxy_log(result.exchange, Event("ended"))
    assert len(plugin.lines) == 1
    return json.loads(plugin.lines[0]), result


# --- what a line says ------------------------------------------------------------------------------------------------


def test_a_line_has_all_that_is_known():
    line, result = logged(Kit())
    assert set(line) == FIELDS
    assert line["time"].startswith("2027-01-15T08:00:00")
    assert line["time"].endswith("Z")
    assert (line["method"], line["path"], line["upstream"]) == ("POST", CHAT, "default")
    assert (line["dialect"], line["model"], line["status"]) == ("openai-chat", "demo-fast", 200)
    assert (line["outcome"], line["ending"]) == ("miss", "complete")
    assert (line["request_bytes"], line["response_bytes"]) == (
        len(json.dumps(BODY, separators=(",", ":"))),
        len(result.body),
    )
    assert result.headers.get(b"x-llmproxy-exchange").decode() == line["id"]


def test_a_hit_names_the_recording_that_answered():
    kit = Kit()
    first, _ = logged(kit)
    second, _ = logged(kit)
    assert (second["outcome"], second["served_from"]) == ("hit", first["id"])


def test_what_went_wrong_is_said():
    line, _ = logged(Kit(mode="none"))
    assert (line["outcome"], line["ending"], line["status"]) == ("refused", "refused", 424)
    assert line["detail"].startswith("llmproxy: no recording answers this request")


@pytest.mark.parametrize(
    ("rules", "notes", "said"),
    [
        ((), {}, {}),
        ((), {"llmproxy.problems": []}, {}),
        (("a", "b"), {"llmproxy.problems": ["no\n"]}, {"rules": ("a", "b"), "problems": ["no\n"]}),
        (("a",), {}, {"rules": ("a",)}),
    ],
)
def test_rules_that_changed_something_and_what_they_could_not(rules, notes, said):
    line = log_line(exchange(rules=rules, notes=notes), b"/")
    assert {name: line[name] for name in ("rules", "problems") if name in line} == said


def test_times_are_milliseconds():
    line = log_line(exchange(head_time=1500, duration=2_000_000), b"/")
    assert (line["first_byte_ms"], line["total_ms"]) == (1.5, 2000.0)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("ending", [None, *Ending])
def test_every_outcome_and_ending_has_its_word(outcome, ending):
    line = log_line(exchange(outcome=outcome, ending=ending), b"/")
    assert (line["outcome"], line["ending"]) == (outcome.value, ending.value if ending else "")


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "client_secret"])
def test_a_secret_of_the_query_is_not_in_the_line(name):
    line, _ = logged(Kit(), f"/v1/models?{name}=hush-hush&limit=1", None)
    assert line["path"] == f"/v1/models?{name}=REDACTED&limit=1"
    assert "hush" not in json.dumps(line)


@given(st.binary(), st.text(alphabet=st.characters(codec="utf-8")), st.text(alphabet=st.characters(codec="utf-8")))
def test_whatever_passes_is_one_line_of_json(target, model, detail):
    plugin = Collected()
    plugin.llmproxy_log(exchange(b"/" + target, model=model, detail=detail), Event("failed"))
    assert plugin.lines[0].count(b"\n") == 1
    line = json.loads(plugin.lines[0])
    assert (line["model"], line.get("detail", "")) == (model, detail)


@pytest.mark.parametrize(
    ("kind", "lines"), [("begun", 0), ("matched", 0), ("first_byte", 0), ("ended", 1), ("failed", 1)]
)
def test_only_the_end_is_a_line(kind, lines):
    plugin = Collected()
    plugin.llmproxy_log(exchange(), Event(kind))
    assert len(plugin.lines) == lines


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "is_terminal", "expected"),
    [("", False, True), ("", True, False), ("stdout", False, True), ("stdout", True, True), ("off", False, False)],
)
def test_the_standard_output(configured, log, is_terminal, expected):
    stdout = Terminal(is_terminal)
    file = configured(log, stdout)
    assert (file is not None) is expected
    assert file is None or file._file is stdout.buffer


@pytest.mark.parametrize("log", ["", "stdout"])
def test_without_a_standard_output_there_is_no_log(configured, log):
    assert configured(log, None) is None


def test_a_file_is_written_behind_what_it_has(configured, tmp_path):
    path = tmp_path / "requests.log"
    path.write_text("older\n")
    file = configured(str(path), Terminal(False))
    file.write(b"newer\n")
    file.flush()
    assert path.read_text() == "older\nnewer\n"


def test_a_file_in_a_home(configured, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    configured("~/requests.log", Terminal(False))
    assert (tmp_path / "requests.log").exists()


@pytest.mark.parametrize("log", ["/nowhere/requests.log", "/", "~nobody-of-this-name/x"])
def test_a_file_that_cannot_be_opened_stops_the_start(configured, log):
    with pytest.raises(SettingsError, match=f"^--log: {log} cannot be opened: .") as refusal:
        configured(log, Terminal(False))
    assert len(str(refusal.value).splitlines()) == 1


def test_the_daemon_writes_a_line_for_each_exchange_before_it_ends(daemon, tmp_path):
    proxy = daemon("--upstream", "demo:")
    statuses = [proxy.chat(text)[0] for text in ("a", "b", "a")]
    proxy.stop()
    lines = [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]
    assert [line["status"] for line in lines] == statuses
    assert [line["outcome"] for line in lines] == ["miss", "miss", "hit"]


@pytest.mark.parametrize(
    "sign", ["\x1b", "\x9b", "\x85", "\x80", "\x9f", "\u2028", "\u2029", "\u202e", "\u2066", "\u200e"]
)
def test_what_terminals_obey_and_what_ends_lines_is_escaped(sign):
    data = written({"model": f"a{sign}31mé\xa0\u2060"})
    assert json.loads(data) == {"model": f"a{sign}31mé\xa0\u2060"}
    assert sign not in data.decode()
    assert "é\xa0\u2060" in data.decode()
    assert len(data.decode().splitlines()) == 1


def test_a_new_file_is_its_owners_alone(configured, tmp_path):
    configured(str(tmp_path / "requests.log"), None)
    assert stat.S_IMODE((tmp_path / "requests.log").stat().st_mode) == 0o600


def test_an_explanation_is_a_line_of_its_own_kind():
    plugin = Collected()
    plugin.llmproxy_log(exchange(), Event("explained", "Nearest: exchange 5.\na: recorded 1 / incoming \x9b2"))
    said = json.loads(plugin.lines[0])
    assert said == {
        "time": said["time"],
        "id": "0000000000000001",
        "kind": "explained",
        "explained": ["Nearest: exchange 5.", "a: recorded 1 / incoming \x9b2"],
    }
    assert plugin.lines[0].count(b"\n") == 1
    assert b"\\u009b" in plugin.lines[0]


def test_without_a_log_no_explanation_is_written():
    plugin = Collected()
    plugin._write = None
    plugin.llmproxy_log(exchange(), Event("explained", "x"))
    assert plugin.lines == []


def test_under_no_store_no_explanation_is_written():
    plugin = Collected()
    plugin.llmproxy_log(exchange(directives=Directives(no_store=True)), Event("explained", "private"))
    assert plugin.lines == []
