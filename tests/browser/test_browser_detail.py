"""Each tab on a chat with reasoning, tools and images, and on a stream; what is odd, and what was deleted."""

import base64
import json
import re
import struct
import zlib

import pytest
from attrs import evolve
from browsing import expect
from filled import SSE, exchange, fill, responded, said, user
from rig import Daemons

from proxy_daemon.core.messages import Pieces

pytestmark = pytest.mark.more


def png(width, height):
    """A picture of one colour."""

    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x20\x90\xa0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


PICTURE = "data:image/png;base64," + base64.b64encode(png(64, 48)).decode()
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a word up.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"word": "tide"}'}}
TURN = [
    {"role": "system", "content": "You are brief."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "the rise and fall of the sea"},
]
ANSWER = said("# It is\n\n- the *tide*\n\n```py\nprint(1)\n```", reasoning_content="The user shows the sea.")
LATER = [*TURN, {"role": "assistant", "content": "It is the tide."}, user("And the moon?")]


def streamed():
    """A stream of 60 events, with a pause before the 31st."""
    deltas = [{"role": "assistant", "content": ""}, *({"content": f"w{number} "} for number in range(58)), {}]
    events = [{"id": "c", "model": "lab-1", "choices": [{"index": 0, "delta": each}]} for each in deltas]
    events[-1]["choices"][0]["finish_reason"] = "stop"
    parts = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in events] + [b"data: [DONE]\n\n"]
    times = [1000 + 10_000 * at + (400_000 if at > 30 else 0) for at in range(len(parts))]
    return responded(b"".join(parts), SSE, [len(each) for each in parts], times)


IMAGES = exchange(1, TURN, ANSWER, asks={"tools": [TOOL], "temperature": 0.5})
NEXT = exchange(2, LATER, "It pulls.", asks={"tools": [TOOL], "temperature": 0.7})
STREAM = exchange(3, "Count.", streamed(), asks={"stream": True})
BROKEN = exchange(4, "Break.", responded(b'{"choices": [{"mess\xff\xfe'))
LYING = exchange(5, "Lie.", responded(b"\x00\x01\x02" * 50))
BIG = exchange(
    6, [user([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4_000_000}}])], "big"
)
LONG = exchange(7, "A long one: " + "word " * 100_000, "line\n\n" * 30_000)
UNTIMED = exchange(
    8, "Again.", responded(b'data: {"choices":[{"index":0,"delta":{"content":"w0"}}]}\n\n' * 3, SSE), duration=0
)
UNTIMED = evolve(UNTIMED, response=evolve(UNTIMED.response, pieces=Pieces()))
ALL = (IMAGES, NEXT, STREAM, BROKEN, LYING, BIG, LONG, UNTIMED)


def name(recording):
    return f"{recording.id:016x}"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detail")
    daemons = Daemons(folder)
    yield daemons.start("--upstream", "demo:", store=fill(folder / "store.db", ALL))
    daemons.stop()


def test_chat(daemon, tab):
    panel = tab.show(daemon, name(IMAGES))
    roles = [each.get_attribute("data-role") for each in tab.at("message").all()]
    assert roles == ["system", "user", "assistant", "answer"]
    image = panel.locator("img")
    expect(image).to_be_visible()
    tab.until("document.querySelector('[data-testid=panel] img').naturalWidth === 64")
    expect(tab.at("tool-call")).to_contain_text("look_up")
    expect(tab.at("tool-call").locator("[data-testid=tool-result]")).to_contain_text("rise and fall")
    tab.at("reasoning").click()
    expect(tab.at("answer")).to_contain_text("The user shows the sea.")
    expect(tab.at("answer").locator("h1")).to_have_text("It is")
    expect(tab.at("answer").locator("li em")).to_have_text("tide")
    tab.at("tools").click()
    expect(panel).to_contain_text("Looks a word up.")
    expect(panel).to_contain_text("temperature")
    expect(tab.at("answer").locator(".end")).to_contain_text("10 in, 5 out")


@pytest.mark.parametrize(("side", "words"), [("request", "What is this?"), ("response", "It is")])
def test_bodies_pretty_raw_and_hex(daemon, tab, side, words):
    tab.show(daemon, name(IMAGES), side)
    expect(tab.at("headers")).to_contain_text("application/json")
    expect(tab.at("body")).to_contain_text(words)
    pretty = tab.at("body").inner_text()
    tab.at("form-raw").click()
    expect(tab.at("form-raw")).to_have_attribute("aria-pressed", "true")
    expect(tab.at("body")).to_contain_text(words)
    assert tab.at("body").inner_text().count("\n") < pretty.count("\n")
    tab.at("form-hex").click()
    expect(tab.at("body")).to_contain_text("7b 22")


def test_stream(daemon, tab):
    tab.show(daemon, name(STREAM), "stream")
    expect(tab.at("timeline")).to_be_visible()
    expect(tab.at("stream")).to_contain_text("410 ms at 301 ms")
    tab.at("event").nth(1).click()
    expect(tab.at("event-data")).to_contain_text("w0")
    tab.at("events").focus()
    tab.press("End")
    expect(tab.at("event").last).to_contain_text("[DONE]")


def test_timing_and_rules(daemon, tab):
    tab.show(daemon, name(STREAM), "timing")
    expect(tab.at("timing")).to_contain_text("1.5 s")
    tab.show(daemon, name(STREAM), "rules")
    expect(tab.at("rules")).to_contain_text("replayed again")


def test_a_stream_whose_times_are_not_known_shows_none(daemon, tab):
    tab.show(daemon, name(UNTIMED), "stream")
    expect(tab.at("event").first).to_contain_text("w0")
    expect(tab.at("stream")).not_to_contain_text(re.compile(r"\d ms"))
    expect(tab.at("stream").locator(".figures")).not_to_contain_text("a second")


def test_diff_against_the_previous_turn_the_nearest_and_any(daemon, tab):
    tab.show(daemon, name(NEXT), "diff")
    tab.at("diff-previous").click()
    expect(tab.at("difference").filter(has_text="temperature")).to_be_visible()
    expect(tab.at("difference").filter(has_text="And the moon?")).to_be_visible()
    tab.at("diff-nearest").click()
    expect(tab.at("diff").locator(".against")).to_contain_text("alike")
    expect(tab.at("difference").filter(has_text="temperature")).to_be_visible()
    tab.at("diff-id").fill(name(STREAM))
    expect(tab.at("difference").filter(has_text="Count.")).to_be_visible()
    tab.expects("status of 400")
    tab.at("diff-id").fill("ffffffffffffffff")
    expect(tab.at("fault")).to_be_visible()


def test_all_that_is_odd_opens_in_every_tab(daemon, tab):
    for recording in ALL:
        for each in ("chat", "request", "response", "stream", "timing", "diff", "rules"):
            panel = tab.show(daemon, name(recording), each)
            expect(panel).not_to_be_empty()
            assert tab.at("fault").count() == 0, (name(recording), each)


def test_a_long_text_is_folded(daemon, tab):
    tab.show(daemon, name(LONG))
    fold = tab.at("message").first.locator("[data-testid=fold]")
    expect(fold).to_contain_text("show all")
    before = tab.at("message").first.inner_text()
    fold.click()
    expect(fold).to_contain_text("show less")
    assert len(tab.at("message").first.inner_text()) > 10 * len(before)


def test_copy_as(daemon, tabs):
    tab = tabs(permissions=["clipboard-read", "clipboard-write"])
    tab.show(daemon, name(STREAM))
    for language, words in (("curl", "curl "), ("python", "import "), ("javascript", "fetch(")):
        tab.at("copy-menu").click()
        tab.at(f"copy-{language}").click()
        tab.told(f"as {language}")
        assert words in tab.page.evaluate("navigator.clipboard.readText()")


def test_an_exchange_that_is_deleted_while_it_is_shown_says_so(daemon, tab):
    made = daemon.chat("short-lived")
    assert made[0] == 200
    gone = daemon.exchanges()[0]["id"]
    tab.expects("status of 404")
    tab.show(daemon, gone)
    assert daemon.change("DELETE", f"/_llmproxy/api/exchanges/{gone}")[0] == 200
    expect(tab.at("gone")).to_contain_text("deleted")
    expect(tab.row(gone)).to_have_count(0)


def test_an_exchange_that_never_was(daemon, tab):
    tab.expects("status of 404")
    tab.page.goto(f"{daemon.url}/_llmproxy/#/x/7fffffffffffffff/stream")
    expect(tab.at("fault")).to_contain_text("no such exchange")
