"""The cases `page-...`: how long the web UI takes in a real Chromium over a large store, from a key to what is painted.

By name only: they need Chromium and the extra `browser`, and it takes minutes to make and to index 100,000 exchanges.
Cases have the form of those in cases.py. Called by bench.py.
"""

import importlib.util
import json
import os
import shutil
import statistics
import sys
import time
import urllib.request
from array import array
from contextlib import closing, contextmanager

from attrs import evolve
from cases import check, running_upstream
from catalogue import NONE
from near import filled_daemon, question, recording
from processes import PROXY_CORE, Broken, running
from standing import ours_only

from proxy_daemon.core.bodies import Bytes, chunks
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Pieces, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.codec import insert, to_row
from proxy_daemon.store.opening import connect

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LIST_MS, SEARCH_MS, DETAIL_MS = 300.0, 200.0, 500.0
EVENTS, EVENT = 4_835, 331  # of the long stream, and the octets of each: 1.6 MB
TIMES = 5
PATIENCE = 1800  # seconds until all must be indexed
PART = 256 * 1024
# Remembers when a key was pressed, and when what was waited for has been painted after it.
WATCH = """
window.since = 0;
addEventListener("keydown", () => { window.since = performance.now(); }, true);
window.painted = (wanted) => new Promise((done) => {
  const look = () => {
    if (!document.querySelector(wanted)) return false;
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - window.since)));
    return true;
  };
  if (look()) return;
  const observer = new MutationObserver(() => look() && observer.disconnect());
  observer.observe(document, {childList: true, subtree: true, attributes: true, characterData: true});
});
"""
ROW = "[data-testid=row] .cell.asked"


def long_stream():
    """The octets of each event."""
    for number in range(EVENTS - 1):
        said = {"id": "c", "model": "lab-0", "choices": [{"index": 0, "delta": {"content": f"word{number} "}}]}
        line = b"data: " + json.dumps(said).encode()
        yield line[:-1] + b" " * (EVENT - len(line) - 2) + b"}\n\n"
    yield b"data: [DONE]\n\n"


def put_long_stream(store, number, upstream):
    """An exchange with it, the newest of the store; its id."""
    events = list(long_stream())
    pieces = Pieces(array("Q", map(len, events)), array("Q", range(1000, 1000 * EVENTS + 1, 1000)))
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
    made = evolve(recording(number, upstream, Matcher()), response=Response(head, Bytes(b"".join(events)), pieces))
    with closing(connect(store, 5)) as connection:
        connection.execute("BEGIN")
        connection.execute(insert(1), to_row(made))
        start = 0
        for data in chunks(made.response.body, PART):
            connection.execute("INSERT INTO body_part VALUES (?, 1, ?, ?)", (made.id, start, data))
            start += len(data)
        connection.execute("COMMIT")
    return f"{made.id:016x}"


def wait_until_indexed(port, count):
    """Seconds until all can be searched."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_llmproxy/api/exchanges?limit=1&q={NONE}") as answer:
            if json.load(answer)["indexed"]["done"] >= count:
                return time.monotonic() - began
        time.sleep(0.5)
    raise Broken(f"the catalogue was not whole within {PATIENCE} s")


@contextmanager
def browser():
    """Chromium."""
    path = os.environ.get("LLMPROXY_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None or not importlib.util.find_spec("playwright"):
        raise Broken("Chromium or playwright is missing: make .venv/installed-browser")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (an extra that may be absent)

    with sync_playwright() as driver:
        running_one = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running_one
        running_one.close()


class Viewer:
    """A person at the page. What is measured is in ms, in the page's own clock."""

    def __init__(self, context, port):
        context.add_init_script(WATCH)
        self.page, self.url = context.new_page(), f"http://127.0.0.1:{port}/_llmproxy/"
        self.page.set_default_timeout(60_000)

    def painted(self, wanted):
        """Since the last key, or since the page was asked for."""
        return self.page.evaluate("wanted => painted(wanted)", wanted)

    def opens_the_list(self):
        """From the address to rows with their words."""
        self.page.goto("about:blank")
        self.page.goto(self.url, wait_until="commit")
        return self.painted(ROW)

    def searches(self, words, found):
        """From Enter to the one row."""
        box = self.page.locator("#filter")
        box.fill("")
        box.press("Enter")
        self.page.locator("[data-testid=row]").nth(20).wait_for()
        self.page.locator(f"[data-id='{found}']").wait_for(state="detached")
        box.evaluate(
            "(box, words) => { box.value = words; box.dispatchEvent(new Event('input', {bubbles: true})); }", words
        )
        box.press("Enter")
        return self.painted(f"[data-testid=row][data-id='{found}']:only-child {ROW.split()[1]}")

    def opens_a_detail(self, tab, wanted):
        """From Enter on the newest row to its tab."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}#/")
        self.page.locator(ROW).first.wait_for()
        self.page.locator("[data-testid=list]").focus()
        self.page.keyboard.press("g")
        self.page.keyboard.press("Enter")
        first = self.painted(wanted) if tab == "chat" else None
        if first is not None:
            return first
        self.page.locator("[data-testid=panel]").wait_for()
        self.page.keyboard.press("4")
        return self.painted(wanted)


def medians(viewer, found, words):
    """{what: ms}."""
    ways = {
        "list": viewer.opens_the_list,
        "search": lambda: viewer.searches(words, found),
        "detail, chat": lambda: viewer.opens_a_detail("chat", "[data-testid=answer] .end"),
        "detail, stream": lambda: viewer.opens_a_detail("stream", "[data-testid=event]"),
    }
    viewer.opens_the_list()  # the browser has the page's files
    return {name: statistics.median([way() for _ in range(TIMES)]) for name, way in ways.items()}


def page(count):
    """The case of so many exchanges."""

    def case(bench):
        many = min(count, 1000) if bench.quick else count
        with running_upstream(bench) as upstream, filled_daemon(bench, many, upstream) as (command, port):
            url = parse_upstream(f"default=http://127.0.0.1:{upstream}/v1")
            put_long_stream(command[command.index("--store") + 1], many, url)
            with running(command, PROXY_CORE, port, bench.folder / "llmproxy-page.said"):
                took = wait_until_indexed(port, many + 1)
                middle = many // 2
                words = question(middle)["messages"][-1]["content"].split(": ")[1][:40]
                with browser() as found:
                    times = medians(Viewer(found.new_context(), port), f"{(middle + 1) << 22:016x}", f"~said '{words}'")
        return judged({"times": times, "recordings": many, "indexed": took})

    return case


def judged(found):
    times = found["times"]
    limits = {"list": LIST_MS, "search": SEARCH_MS, "detail, chat": DETAIL_MS, "detail, stream": DETAIL_MS}
    checks = [check(f"{name}, from key to paint", times[name], limit, "ms") for name, limit in limits.items()]
    figure = " / ".join(f"{times[name]:.0f}" for name in limits)
    return ours_only("ms, list / search / chat / stream", f"{figure} with {found['recordings']:,}", checks, found)


LONG = {"page-20000": page(20_000), "page-100000": page(100_000)}  # by name only: see above

if __name__ == "__main__":
    sys.exit("run it by bench.py: bench.py --only page-20000")
