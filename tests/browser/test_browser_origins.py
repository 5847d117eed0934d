"""Pages of others: one on another port of this machine, and a name that was rebound to it. They get nothing."""

import json

import pytest
from browsing import REBOUND, expect

pytestmark = pytest.mark.more
SECRET = "only for the owner"
STOPPED = ["img-src", "frame-src", "connect-src", "form-action"]
TRY = """async ([base, id]) => {
  const got = {};
  const attempt = async (name, act) => {
    try { got[name] = await act(); } catch (error) { got[name] = "refused"; }
  };
  const read = async (path, options) => (await fetch(base + path, options)).text();
  const json = {"content-type": "application/json"};
  const api = `api/exchanges/${id}`;
  await attempt("read", () => read("api/exchanges"));
  await attempt("read with cookies", () => read("api/exchanges", {credentials: "include"}));
  await attempt("token", () => read("api/token"));
  await attempt("opaque", () => read("api/exchanges", {mode: "no-cors"}));
  await attempt("page", () => read(""));
  await attempt("mode", () => read("api/mode", {method: "PUT", headers: json, body: '{"mode":"none"}'}));
  await attempt("simple mode", () => read("api/mode", {method: "POST", mode: "no-cors", body: '{"mode":"none"}'}));
  await attempt("delete", () => read(api, {method: "DELETE"}));
  await attempt("remark", () => read(api + "/remark", {method: "PUT", headers: json, body: '{"mark":"x"}'}));
  await attempt("guess", () => read(api, {method: "DELETE", headers: {"x-llmproxy-token": "guess"}}));
  await attempt("beacon", async () => { navigator.sendBeacon(base + "api/mode", '{"mode":"none"}'); return ""; });
  const loaded = (element, more) => new Promise((done) => {
    Object.assign(element, more);
    element.onload = () => done("loaded");
    element.onerror = () => done("refused");
    document.body.append(element);
  });
  await attempt("script", () => loaded(document.createElement("script"), {src: base + "api/exchanges"}));
  await attempt("module", () => loaded(document.createElement("script"), {src: base + "js/api.js", type: "module"}));
  await attempt("image", () => loaded(new Image(), {src: base + api + "/request/body"}));
  const sheet = {href: base + "api/exchanges", rel: "stylesheet"};
  await attempt("style", () => loaded(document.createElement("link"), sheet));
  await attempt("events", () => new Promise((done) => {
    const source = new EventSource(base + "api/events");
    source.onopen = source.onmessage = () => done("open");
    source.onerror = () => [done("refused"), source.close()];
  }));
  await attempt("frame", async () => {
    const frame = document.createElement("iframe");
    await loaded(frame, {src: base});
    return frame.contentWindow.document.body.textContent;
  });
  for (const method of ["GET", "POST"]) await attempt("form " + method, async () => {
    const form = Object.assign(document.createElement("form"), {action: base + api, method, target: "sink"});
    form.innerHTML = '<input name="force" value="1"><input name="_method" value="DELETE">';
    document.body.append(form);
    form.submit();
    await new Promise((done) => { frames.sink.frameElement.onload = done; });
    return frames.sink.document.body.textContent;
  });
  return got;
}"""


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    from talking import Talk  # noqa: PLC0415  (a fixture of this name is there too)

    found = Talk(tmp_path_factory.mktemp("origins"))
    found.made = found.chat(SECRET)
    yield found
    found.stop()


def standing(daemon, made):
    """What could have been changed; not what is ``told`` of it, which the page gets later where there is much to do."""
    misses = [each["misses"] for each in daemon.get("/_llmproxy/api/verdict")["sessions"]]
    exchange = daemon.get(f"/_llmproxy/api/exchanges/{made}")
    return daemon.get("/_llmproxy/api/mode"), exchange | {"told": None}, misses


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", REBOUND])
def test_a_foreign_page_reads_and_changes_nothing(talk, tab, foreign, host):
    tab.hosts |= {host}
    tab.expects("")
    before = standing(talk.daemon, talk.made)
    tab.page.goto(f"http://{host}:{foreign}/")
    got = tab.page.evaluate(TRY, [f"{talk.daemon.url}/_llmproxy/", talk.made])
    told = json.dumps(got)
    assert SECRET not in told
    assert "lab-1" not in told
    assert {name: said for name, said in got.items() if said not in ("refused", "", "loaded")} == {}
    for name in ("read", "read with cookies", "token", "page", "mode", "delete", "remark", "guess", "events", "frame"):
        assert got[name] == "refused", name
    for name in ("form GET", "form POST", "script", "module", "image"):
        assert got[name] == "refused", name
    assert standing(talk.daemon, talk.made) == before


def test_a_rebound_host_gets_nothing(talk, tab):
    tab.hosts |= {REBOUND}
    tab.expects("")
    port = talk.daemon.port
    before = standing(talk.daemon, talk.made)
    for path in ("", "api/exchanges", "api/token", "api/events", f"api/exchanges/{talk.made}", "js/main.js"):
        answer = tab.page.goto(f"http://{REBOUND}:{port}/_llmproxy/{path}")
        assert answer.status == 403, path
        assert SECRET not in tab.page.content()
    got = tab.page.evaluate(TRY, [f"http://{REBOUND}:{port}/_llmproxy/", talk.made])
    assert SECRET not in json.dumps(got)
    assert not [name for name, said in got.items() if said == "open" or 'exchanges":' in said]
    assert standing(talk.daemon, talk.made) == before


def test_the_page_itself_cannot_be_framed_by_itself(talk, tab):
    tab.expects("frame-ancestors", "Content Security Policy")
    tab.open(talk.daemon)
    tab.page.evaluate("""() => new Promise((onload) => {
      document.body.append(Object.assign(document.createElement("iframe"), {src: "/_llmproxy/", onload}));
    })""")
    expect(tab.page.frame_locator("iframe").locator("#app")).to_have_count(0)


def test_the_policy_stops_what_a_hole_in_the_page_would_let_in(talk, tab):
    """Were the sanitiser to fail, nothing could run or load."""
    tab.expects("Content Security Policy", "Trusted", "violates")
    tab.hosts |= {"elsewhere.example"}
    failures = {}
    tab.context.on("requestfailed", lambda request: failures.update({request.url: request.failure}))
    tab.open(talk.daemon)
    tab.page.evaluate("""() => {
      window.stopped = [];
      document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
      const add = (name, members) => document.body.append(Object.assign(document.createElement(name), members));
      try { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='owned=1'>"); } catch {}
      try { add("script", {textContent: "owned = 1"}); } catch {}
      add("img", {src: "http://elsewhere.example/a.png"});
      add("iframe", {src: "http://elsewhere.example/"});
      fetch("http://elsewhere.example/").catch(() => {});
      const form = Object.assign(document.createElement("form"), {action: "http://elsewhere.example/", method: "POST"});
      document.body.append(form);
      form.submit();
    }""")
    tab.until("all => all.every((each) => stopped.includes(each))", STOPPED)
    assert tab.page.evaluate("typeof owned") == "undefined"
    while asked := {url for url in tab.requests if "elsewhere" in url} - set(failures):
        tab.page.wait_for_event("requestfailed", lambda request: request.url in asked)
    assert {why for url, why in failures.items() if "elsewhere" in url} <= {"csp"}
    assert tab.page.url.startswith(talk.daemon.url)
