"""A real Chromium as the tests drive it: one browser, a fresh context for each test, and all that a page asked for.

Invariant: no test ends well whose page asked another host for anything, or whose console told of a fault or of a breach
of the content security policy that the test did not expect. Called by conftest.py.
"""

import os
import re
import shutil
import time
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
LIMIT = 60_000  # ms until a test that waits for something on a page has failed
SIZE = {"width": 1440, "height": 900}
REBOUND = "evil.example"  # a foreign name that leads to this machine
HARMLESS = ("data:", "blob:", "about:", "chrome-error:")  # addresses that lead nowhere
# No name leads out of this machine, whatever a page tries; what it tried is seen all the same.
RULES = f"MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
ARGUMENTS = ["--no-sandbox", f"--host-resolver-rules={RULES}"]
# What happens before a page follows the events is told to nobody; what a toast said is gone after a moment; and why an
# answer is a 503 the console does not tell: a child process that is too busy is no fault.
WATCHED = """window.said = [];
window.EventSource = class extends EventSource {
  constructor(address) {
    super(address);
    if (address.includes("api/events")) this.addEventListener("open", () => (window.follows = true));
  }
};
const ask = window.fetch;
window.fetch = async (...how) => {
  const answer = await ask(...how);
  if (answer.status === 503) console.info(answer.url, await answer.clone().text());
  return answer;
};
new MutationObserver(() => {
  const text = document.querySelector("[data-testid=toast]")?.textContent;
  if (text && text !== window.said.at(-1)) window.said.push(text);
}).observe(document, { subtree: true, childList: true, characterData: true });"""
NOBODY = f"{0:016x}"
BUSY = re.compile("the child process (gave no answer within|is busy with a question)")
AGAIN = """() => {
  const fault = document.querySelector("[data-testid=panel] [data-testid=fault]");
  if (!/child process (gave no answer|is busy)/.test(fault?.textContent)) return true;
  fault.querySelector("button").click();
  return false;
}"""
LONGEST = 5_000  # ms: longer than the daemon waits for its child process


def chromium():
    """Its path; skips where there is none, fails where there must be one."""
    found = os.environ.get("LLMPROXY_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    return found or missing("Chromium is not installed (apt-get install chromium, or $LLMPROXY_CHROMIUM)")


def missing(why):
    """Skip, or fail where all is to be there."""
    if os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    pytest.skip(why)


def awake(daemon):
    """Waits until the daemon's child process answers: while it starts, views are refused where that takes seconds."""
    deadline = time.monotonic() + LIMIT / 1000
    while daemon.request("GET", f"/_llmproxy/api/told?ids={NOBODY}")[0] == 503:
        assert time.monotonic() < deadline, "the child process does not answer"


def expect(found):
    """Playwright's assertions on a locator or a page: they wait until they hold."""
    from playwright import sync_api  # noqa: PLC0415  (as below)

    sync_api.expect.set_options(timeout=LIMIT)
    return sync_api.expect(found)


class Browser:
    """Chromium, started when it is first asked for.

    Ended as soon as another folder's test is next: its driver holds this thread's event loop, which others' tests need.
    """

    def __init__(self):
        self.driver = self.running = None

    def context(self, **options):
        """A profile of its own."""
        if self.running is None:
            self._start()
        found = self.running.new_context(**({"viewport": SIZE, "reduced_motion": "reduce"} | options))
        found.set_default_timeout(LIMIT)
        return found

    def _start(self):
        try:
            from playwright.sync_api import sync_playwright  # noqa: PLC0415  (an extra that may be absent)
        except ImportError:
            missing("playwright is not installed (make .venv/installed-browser)")
        path = chromium()
        self.driver = sync_playwright().start()
        self.running = self.driver.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=LIMIT)

    def stop(self):
        """Nothing of it is left; it can be asked again."""
        if self.running is not None:
            self.running.close()
        if self.driver is not None:
            self.driver.stop()
        self.driver = self.running = None


class Tab:
    """A page of the web UI. ``requests``: addresses that were asked for; ``complaints``: what the console told."""

    def __init__(self, browser, **options):
        self.context = browser.context(**options)
        self.requests, self.complaints, self.allowed, self.hosts = [], [], [], {"127.0.0.1"}
        self.context.add_init_script(WATCHED)
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", self._told)
        self.context.on("weberror", lambda error: self.complaints.append(f"error: {error.error}"))
        self.page = self.context.new_page()
        self.page.on("dialog", self._asked)

    def _told(self, message):
        if message.type == "info" and BUSY.search(message.text):
            self.expects(f"status of 503 .*{re.escape(message.text.split()[0])}")
        if message.type in ("error", "warning") or "Content Security Policy" in message.text:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, dialog):
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def expects(self, *patterns):
        """The console may tell of these."""
        self.allowed += patterns

    def close(self):
        """Says what went wrong beside what the test looked at."""
        self.context.close()
        asked = [url for url in self.requests if not url.startswith(HARMLESS)]
        foreign = [url for url in asked if urlsplit(url).hostname not in self.hosts]
        assert not foreign, f"the page asked other hosts: {foreign}"
        faults = [said for said in self.complaints if not any(re.search(each, said) for each in self.allowed)]
        assert not faults, f"the console told: {faults}"

    # what tests ask again and again

    def open(self, daemon, hash_="#/"):
        """Go to the web UI. Waits until the list knows what there is, and is told what happens from now on."""
        awake(daemon)
        self.page.goto(f"{daemon.url}/_llmproxy/{hash_}")
        self.page.locator("[data-testid=row], [data-testid=empty]").first.wait_for()
        self.followed()
        return self

    def at(self, name, **options):
        """What carries this test id."""
        return self.page.locator(f"[data-testid={name}]", **options)

    def row(self, exchange_id):
        """The row of an exchange."""
        return self.page.locator(f"[data-testid=row][data-id='{exchange_id}']")

    def ids(self):
        """Of the rows that exist now, from the top."""
        return self.page.eval_on_selector_all("[data-testid=row]", "rows => rows.map((row) => row.dataset.id)")

    def show(self, daemon, exchange_id, tab="chat"):
        """Open one exchange in a tab. Waits until what it shows is there, and for what `open` waits for."""
        awake(daemon)
        self.page.goto(f"{daemon.url}/_llmproxy/#/x/{exchange_id}/{tab}")
        self.page.locator(f"[data-testid=detail][data-id='{exchange_id}']").wait_for()
        self.page.locator(f"[data-testid=tab-{tab}][aria-selected=true]").wait_for()
        self.at("panel").locator("[role=status].loading").wait_for(state="detached")
        if self.at("panel").get_by_test_id("fault").filter(has_text=BUSY).count():
            self.ask_again()
        self.followed()
        return self.at("panel")

    def until(self, expression, value=None, every=20):
        """Waits until this holds in the page. ``every``: ms from one look to the next.

        Playwright's `wait_for_function` looks again by an `eval` of the page, which its policy forbids.
        """
        deadline = time.monotonic() + LIMIT / 1000
        while not self.page.evaluate(expression, value):
            assert time.monotonic() < deadline, f"never: {expression}"
            self.page.wait_for_timeout(every)

    def ask_again(self):
        """As a person does where the machine is too busy for a view. Waits until it is there."""
        self.until(AGAIN, every=LONGEST)

    def followed(self):
        """Waits until the page hears of what happens."""
        self.until("window.follows")

    def told(self, words):
        """Waits until a toast has said so; it may have gone since."""
        self.until("words => said.some((each) => each.includes(words))", words)

    def press(self, *keys):
        """Type these keys."""
        for key in keys:
            self.page.keyboard.press(key)

    def filter(self, text):
        """Type a filter, and let it be asked."""
        self.at("filter").fill(text)
        self.at("filter").press("Enter")
