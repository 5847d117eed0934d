"""What an upstream says is served by the same origin as the page: opened as a document, it can do nothing there."""

import pytest
from browsing import expect

pytestmark = pytest.mark.more
SCRIPT = b"""fetch("/_llmproxy/api/token").then((got) => got.text(), (error) => "refused " + error)
.then((got) => { document.title = "ran: " + got; new Image().src = "/v1/RAN"; });"""
KINDS = {
    "text/html": b"<!doctype html><title>harmless</title><script>" + SCRIPT + b"</script>",
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg"><title>harmless</title><script>'
    + SCRIPT
    + b"</script></svg>",
    "text/javascript": b"self.postMessage && self.postMessage('ran');" + SCRIPT,
}
# As a hole in the page would: what runs there may be of our own files only.
FROM_OUR_PAGE = """async (address) => {
  const got = {};
  got["service worker"] = await navigator.serviceWorker.register(address).then(() => "ran", () => "refused");
  got.worker = await new Promise((done) => {
    try {
      const made = new Worker(address);
      made.onmessage = () => done("ran");
      made.onerror = () => done("refused");
    } catch { done("refused"); }
  });
  got.module = await import(address).then(() => "ran", () => "refused");
  return got;
}"""


def answer(kind):
    """Octets of an upstream's answer of this type."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nService-Worker-Allowed: /\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(KINDS[kind]) + KINDS[kind]


@pytest.fixture
def evil(talk):
    """The daemon of an upstream that answers with a type of `KINDS`; and whether a script of it has run."""
    asked = []

    def play(peer):
        while (found := peer.request())[0]:
            asked.append(found[0])
            peer.send(answer(talk.kind))

    talk.kind = "text/html"
    talk.upstream.play = play
    talk.has_run = lambda: any(b"RAN" in each for each in asked)
    talk.asked = asked
    return talk


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml"])
@pytest.mark.parametrize("path", ["/v1/a", "/_llmproxy/to/default/v1/a"])
def test_a_document_of_an_upstream_runs_no_script(evil, tab, kind, path):
    evil.kind = kind
    tab.expects("sandboxed", "Content Security Policy", "404")
    gotten = tab.page.goto(evil.daemon.url + path)
    if gotten.status == 200:
        assert "sandbox" in gotten.headers["content-security-policy"]
        assert "ran" not in tab.page.title()
    tab.page.goto(f"{evil.daemon.url}/_llmproxy/")  # whatever had begun has had its time
    expect(tab.at("list")).to_be_visible()
    assert evil.asked or gotten.status == 404
    assert not evil.has_run()


@pytest.mark.parametrize("element", ["iframe", "object", "embed"])
def test_nor_does_it_within_a_page_of_others(evil, tab, foreign, element):
    tab.expects("")
    tab.page.goto(f"http://127.0.0.1:{foreign}/")
    member = "data" if element == "object" else "src"
    tab.page.evaluate(
        """([name, member, address]) => new Promise((done) => {
          const made = document.createElement(name);
          made.onload = made.onerror = () => done();
          made[member] = address;
          document.body.append(made);
        })""",
        [element, member, f"{evil.daemon.url}/v1/a"],
    )
    tab.page.goto(f"{evil.daemon.url}/_llmproxy/")  # as above
    expect(tab.at("list")).to_be_visible()
    assert evil.asked
    assert not evil.has_run()


def test_nor_can_our_own_page_be_made_to_run_it(evil, tab):
    evil.kind = "text/javascript"
    tab.expects("")
    tab.open(evil.daemon)
    got = tab.page.evaluate(FROM_OUR_PAGE, f"{evil.daemon.url}/v1/a.js")
    assert set(got.values()) == {"refused"}
    assert not evil.asked


def test_a_client_that_is_no_browser_sees_no_difference(evil):
    status, fields, body = evil.daemon.request("GET", "/v1/a", None, {})
    assert (status, body) == (200, KINDS["text/html"])
    assert "content-security-policy" not in {name.lower() for name in dict(fields)}
