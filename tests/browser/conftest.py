"""Fixtures of the tests that drive a real Chromium."""

import http.server
import threading
from pathlib import Path

import pytest
from browsing import Browser, Tab, chromium
from talking import Talk

BROWSER = Browser()
FOREIGN = b"<!doctype html><title>foreign</title><iframe name=sink></iframe><body>"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """The browser ends before the first test of another folder begins."""
    result = yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        BROWSER.stop()
    return result


@pytest.fixture
def tabs():
    """`tabs(**options)` makes a `browsing.Tab` of its own profile; at the end each is asked what went wrong in it."""
    chromium()
    made = []

    def make(**options):
        made.append(Tab(BROWSER, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def tab(tabs):
    """One `browsing.Tab`."""
    return tabs()


@pytest.fixture
def talk(tmp_path):
    """A daemon whose upstream says what the test lets it say: `talking.Talk`."""
    found = Talk(tmp_path)
    yield found
    found.stop()


class Foreign(http.server.BaseHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(FOREIGN)

    def log_message(self, *words):
        """Not to standard error."""


@pytest.fixture
def foreign():
    """The port of its server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()
