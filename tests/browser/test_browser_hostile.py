"""Answers and fields that want to do something: they are shown, and nothing else happens."""

import json
from urllib.parse import quote

import pytest
from browsing import expect
from filled import exchange, fill, responded, said, user
from talking import Talk

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Outcome, Request

pytestmark = pytest.mark.more
ELSEWHERE = "http://elsewhere.example"
FIELD = f'"><img src={ELSEWHERE}/f onerror="owned=1"><script>owned=1</script>\'`${{owned=1}}\u202eabc\x1b[2J</title>'
MARKDOWN = f"""before

<script>owned = 1</script>
<img src=x onerror="owned = 1">
<svg onload="owned = 1"><script>owned = 1</script><use href="{ELSEWHERE}/s.svg#x"/></svg>
<iframe src="javascript:owned=1"></iframe><iframe srcdoc="<script>parent.owned=1</script>"></iframe>
<meta http-equiv="refresh" content="0; url={ELSEWHERE}/m"><base href="{ELSEWHERE}/">
<style>@import url({ELSEWHERE}/c.css); * {{ display: none }}</style><link rel="stylesheet" href="{ELSEWHERE}/l.css">
<form action="{ELSEWHERE}/post"><input name="q" autofocus onfocus="owned = 1"><button>Continue</button></form>
<a href="javascript:owned=1">one</a> <object data="{ELSEWHERE}/o"></object><embed src="{ELSEWHERE}/e">
<video src="{ELSEWHERE}/v" autoplay onerror="owned=1"></video><details open ontoggle="owned=1">x</details>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=owned=1&gt;">

[two](javascript:owned=1) [three](JaVaScRiPt&colon;owned=1) [four](data:text/html,<script>owned=1</script>)
[five](vbscript:owned) [six](//elsewhere.example/p) [seven](#/x/0000000000400000) <javascript:owned=1>
![remote]({ELSEWHERE}/pixel.png) ![data](data:image/svg+xml,<svg/onload=owned=1>) [good](https://good.example/page)
<https://good.example/auto> ![x]({ELSEWHERE}/a.png "t" onerror="owned=1") [r]: {ELSEWHERE}/r
`<img src=x onerror=owned=1>` ```` <script>owned=1</script> ````

| a | b |
|---|---|
| <img src=x onerror=owned=1> | [x](javascript:owned=1) |

\u202eright to left\u202c \u2066isolated \x1b]8;;{ELSEWHERE}\x07link\x1b]8;;\x07 \x00 after
"""
HOW_DEEP = 10_000
HARD = {
    "markdown": MARKDOWN,
    "nested quotes": "> " * HOW_DEEP + "deep",
    "nested lists": "\n".join(f"{'  ' * depth}- x" for depth in range(300)),
    "nested brackets": "[" * HOW_DEEP + "](" * HOW_DEEP,
    "emphasis": "*a **b " * 3000,
    "a long word": "w" * 200_000,
    "many links": "[x](javascript:owned=1) " * 500,
    "fences": "```\n" * 3000 + "<script>owned=1</script>",
    "a wide table": "|" + "a|" * 1000 + "\n|" + "-|" * 1000 + "\n|" + "b|" * 1000,
    "marks on marks": "e" + "\u0301" * 5000,
}
FORBIDDEN = "script, iframe, form, object, embed, link, meta, base, style, video, math, details"
FORBIDDEN += ", input:not([class*=box]):not(#filter)"
LOOK = """() => {
  const app = document.getElementById("app");
  const bad = [...app.querySelectorAll(FORBIDDEN)].map((one) => one.outerHTML);
  const from = (name) => [...app.querySelectorAll(`[${name}]`)].map((one) => one.getAttribute(name));
  const own = (address) => /^(#\\/|https?:\\/\\/127\\.0\\.0\\.1:|blob:)/.test(address);
  const names = [...app.querySelectorAll("*")].flatMap((one) => one.getAttributeNames());
  const handlers = names.filter((name) => name.startsWith("on"));
  const tame = (one) => /^https?:/.test(one.href) && one.target === "_blank" && one.relList.contains("noopener");
  return {bad, handlers, sources: from("src").filter((one) => !own(one)),
    links: [...app.querySelectorAll("[href]")].filter((one) => !own(one.getAttribute("href")) && !tame(one))
      .map((one) => one.outerHTML),
    owned: typeof owned, width: document.documentElement.scrollWidth - innerWidth, title: document.title};
}"""
TABS = ("chat", "request", "response", "stream", "timing", "diff", "rules")


def harmless(tab):
    """Nothing of it did anything."""
    found = tab.page.evaluate(LOOK.replace("FORBIDDEN", json.dumps(FORBIDDEN)))
    title = found.pop("title")
    assert found == {"bad": [], "handlers": [], "sources": [], "links": [], "owned": "undefined", "width": 0}
    assert "owned" not in title
    assert len(tab.context.pages) == 1


def fields():
    """An exchange of which every field is hostile."""
    names = Headers(
        [(b"Content-Type", b"application/json"), (b"X-" + b"<b>", FIELD.encode()), (b"<script>", b"owned=1")]
    )
    tool = {"type": "function", "function": {"name": FIELD, "description": FIELD, "parameters": {FIELD: FIELD}}}
    call = {"id": FIELD, "type": "function", "function": {"name": FIELD, "arguments": json.dumps({FIELD: FIELD})}}
    messages = [
        {"role": "system", "content": MARKDOWN},
        {"role": FIELD, "content": FIELD},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": ELSEWHERE + "/i.png"}}]},
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg onload='owned=1'/>"}}],
        },
        {"role": "user", "content": [{"type": FIELD, "text": FIELD}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": FIELD, "content": MARKDOWN},
        user(FIELD),
    ]
    body = json.dumps({"model": FIELD, "messages": messages, "tools": [tool], FIELD: FIELD, "stop": [FIELD]}).encode()
    document = said(FIELD, reasoning_content=MARKDOWN, refusal=FIELD, tool_calls=[call])
    document |= {"model": FIELD, "id": FIELD, "error": {"message": FIELD, "type": FIELD}}
    document["choices"][0]["finish_reason"] = FIELD
    return exchange(
        1,
        "",
        responded(json.dumps(document).encode(), names, status=500),
        request=Request(b"<X>", b"/v1/chat/completions?" + FIELD.encode(), names, Bytes(body)),
        model=FIELD,
        session=FIELD,
        detail=FIELD,
        rules=(FIELD,),
        outcome=Outcome.MISS,
        status=500,
        replayable=False,
    )


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    hard = [exchange(number, words[:50], words) for number, words in enumerate(HARD.values(), 2)]
    fill(folder / "store.db", [fields(), *hard])
    found = Talk(folder)
    yield found
    found.stop()


def stored(number):
    return f"{number << 22:016x}"


@pytest.mark.parametrize("number", range(2, 2 + len(HARD)), ids=list(HARD))
def test_a_hostile_answer_does_nothing(talk, tab, number):
    for each in ("chat", "response"):
        tab.show(talk.daemon, stored(number), each)
        expect(tab.at("panel")).not_to_be_empty()
        harmless(tab)
    assert tab.at("fault").count() == 0
    tab.page.mouse.wheel(0, 1_000_000)
    harmless(tab)


def test_what_of_it_is_good_is_shown_and_leads_where_it_says(talk, tab):
    panel = tab.show(talk.daemon, stored(2))
    expect(panel).to_contain_text("<img src=x onerror=")
    link = tab.at("answer").locator("a[href='https://good.example/page']")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    for each in ("two", "three", "four", "five", "six", "seven"):
        expect(tab.at("answer").get_by_text(each)).to_be_visible()
        expect(tab.at("answer").locator("a", has_text=each)).to_have_count(0)


def test_a_click_on_whatever_does_nothing(talk, tab):
    tab.show(talk.daemon, stored(2))
    address = tab.page.url
    for each in ("one", "two", "three", "four", "seven", "Continue", "remote"):
        tab.at("answer").get_by_text(each).first.click(no_wait_after=True)
    assert tab.page.url == address
    harmless(tab)


def test_hostile_fields(talk, tab):
    for path, value in (("mark", FIELD[:40]), ("comment", FIELD)):
        talk.daemon.change("PUT", f"/_llmproxy/api/exchanges/{stored(1)}/remark", {path: value})
    for each in TABS:
        panel = tab.show(talk.daemon, stored(1), each)
        expect(panel).not_to_be_empty()
        expect(panel.get_by_text("cannot be drawn")).to_have_count(0)
        for fold in panel.locator(".fold-title").all():
            fold.click()
        harmless(tab)
    expect(tab.row(stored(1))).to_contain_text("<script>")


def test_hostile_fields_in_every_column(talk, tab):
    columns = [
        "path",
        "session",
        "client",
        "cassette",
        "tools",
        "said",
        "upstream",
        "dialect",
        "method",
        "id",
        "first",
        "size",
    ]
    tab.open(talk.daemon)
    tab.page.evaluate("columns => localStorage.setItem('llmproxy', JSON.stringify({columns}))", columns)
    tab.page.reload()
    expect(tab.row(stored(1))).to_be_visible()
    harmless(tab)


def test_hostile_answers_that_grow(talk, tab):
    tab.open(talk.daemon)
    talk.ask(FIELD)
    tab.page.locator("[data-testid=row][data-state=streaming]").click()
    for at in range(0, len(MARKDOWN), 100):
        talk.say(MARKDOWN[at : at + 100])
    talk.say(" the very end ")
    expect(tab.at("answer")).to_contain_text("the very end")
    harmless(tab)
    talk.end()
    expect(tab.page.locator("[data-testid=row][data-state=streaming]")).to_have_count(0)
    harmless(tab)


def test_hostile_error_texts(talk, tab):
    head = b"HTTP/1.1 503 <script>owned=1</script>\r\nContent-Type: text/html\r\nX-A: <img src=x onerror=owned=1>\r\n"
    body = b"<html><script>owned=1</script><img src=x onerror=owned=1>"
    made = talk.chat("fail", head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    for each in TABS:
        tab.show(talk.daemon, made, each)
        harmless(tab)


HASHES = (
    f"#/x/{quote(FIELD)}",
    f"#/x/{FIELD}/chat",
    "#/x/0000000000400000/<script>owned=1</script>",
    f"#/?q={quote(FIELD)}",
    f"#/?q=~said+{quote(FIELD)}&at=<script>",
    "#/x/../../../v1/models",
    "#/x/0000000000400000%2f..%2f..%2ftoken/chat",
    "#javascript:owned=1",
    "#/?q=%E0%A4%A&q=%00&__proto__=x&constructor=y",
)


def test_hostile_addresses(talk, tab):
    tab.expects("status of 40[04]")
    for address in HASHES:
        tab.page.goto("about:blank")
        tab.page.goto(f"{talk.daemon.url}/_llmproxy/{address}")
        tab.at("list").wait_for()
        expect(tab.page.locator(".loading")).to_have_count(0)
        expect(tab.page.locator(".foot, .empty, [data-testid=row], [data-testid=filter-fault]").first).to_be_visible()
        harmless(tab)
    assert all("/_llmproxy/" in url for url in tab.requests if not url.startswith("about:"))
