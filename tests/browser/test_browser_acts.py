"""What a person does to exchanges in the page, and what clients get afterwards."""

import json
from pathlib import Path

import pytest
from browsing import expect
from rig import LIMIT
from talking import Talk, answer

pytestmark = pytest.mark.more


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    found = Talk(tmp_path_factory.mktemp("acts"), "--cassette-dir", str(tmp_path_factory.mktemp("cassettes")))
    yield found
    found.stop()


def words(body):
    """Of an answer, a document or a stream."""
    if body.startswith(b"data:"):
        events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
        return "".join(choice["delta"].get("content") or "" for each in events for choice in each["choices"])
    return json.loads(body)["choices"][0]["message"]["content"]


def edited(tab, text):
    """Write another answer in the page; the id of what is replayed from now on."""
    tab.at("more-menu").click()
    tab.at("edit").click()
    expect(tab.at("edit-text")).not_to_be_empty()
    tab.at("edit-text").fill(text)
    old = tab.at("detail").get_attribute("data-id")
    tab.at("dialog-act").click()
    expect(tab.at("dialog")).to_have_count(0)
    expect(tab.at("detail")).not_to_have_attribute("data-id", old)
    return tab.at("detail").get_attribute("data-id")


def test_an_answer_that_was_edited_is_what_clients_get(talk, tab):
    made = talk.chat("capital of France?", answer("It is London."))
    tab.show(talk.daemon, made)
    expect(tab.at("answer")).to_contain_text("It is London.")
    new = edited(tab, "It is **Paris**.")
    expect(tab.at("answer")).to_contain_text("It is Paris.")
    expect(tab.row(new)).to_contain_text("edited")
    status, _, body = talk.daemon.chat("capital of France?")
    assert (status, words(body)) == (200, "It is **Paris**.")
    status, headers, body = talk.daemon.chat("capital of France?", stream=True)
    assert (status, "event-stream" in headers["Content-Type"], words(body)) == (200, True, "It is **Paris**.")


def test_a_stream_that_was_edited_is_what_clients_get(talk, tab):
    talk.say("It is ", "Bern.")
    talk.end()
    talk.ask("capital of Norway?").join(LIMIT)
    made = talk.daemon.exchanges()[0]["id"]
    tab.show(talk.daemon, made)
    edited(tab, "It is Oslo.")
    for stream in (True, False):
        status, _, body = talk.daemon.chat("capital of Norway?", **({"stream": True} if stream else {}))
        assert (status, words(body)) == (200, "It is Oslo.")


def test_an_answer_that_is_no_json_is_refused_in_the_dialog(talk, tab):
    tab.show(talk.daemon, talk.chat("what then?"))
    tab.at("more-menu").click()
    tab.at("edit").click()
    tab.at("edit-as-json").click()
    tab.at("edit-text").fill("{")
    tab.at("dialog-act").click()
    expect(tab.at("dialog").locator("[data-testid=fault]")).to_contain_text("no JSON")
    tab.expects("status of 400", "status of 422")
    tab.at("edit-text").fill('{"nonsense": 1}')
    tab.at("dialog-act").click()
    expect(tab.at("dialog").locator("[data-testid=fault]")).to_contain_text("nonsense")


def test_pin_mark_and_comment(talk, tab):
    made = talk.chat("keep me")
    tab.show(talk.daemon, made)
    tab.at("pin").click()
    expect(tab.at("pin")).to_have_attribute("aria-pressed", "true")
    tab.at("mark").click()
    expect(tab.at("mark")).to_have_attribute("aria-pressed", "true")
    tab.at("more-menu").click()
    tab.at("comment").click()
    tab.at("comment-text").fill("the good one")
    tab.at("dialog-act").click()
    expect(tab.at("remark")).to_contain_text("the good one")
    expect(tab.row(made).locator("[title=pinned]")).to_be_visible()
    found = talk.daemon.get(f"/_llmproxy/api/exchanges/{made}")
    assert (found["pinned"], bool(found["mark"]), found["comment"]) == (True, True, "the good one")
    tab.filter("~marked ~comment good")
    expect(tab.at("row")).to_have_count(1)


def test_what_others_do_is_shown(talk, tabs):
    made = talk.chat("two people")
    one, other = tabs(), tabs()
    one.show(talk.daemon, made)
    other.show(talk.daemon, made)
    one.at("pin").click()
    expect(other.at("pin")).to_have_attribute("aria-pressed", "true")


def test_delete(talk, tab):
    made = talk.chat("delete me")
    tab.show(talk.daemon, made)
    tab.at("more-menu").click()
    tab.at("delete").click()
    tab.at("dialog-act").click()
    expect(tab.row(made)).to_have_count(0)
    expect(tab.at("detail")).to_have_count(0)
    tab.expects("status of 404")
    assert talk.daemon.request("GET", f"/_llmproxy/api/exchanges/{made}")[0] == 404


def test_promote(talk, tab):
    tab.show(talk.daemon, talk.chat("into the box", answer("boxed")))
    tab.at("more-menu").click()
    tab.at("promote").click()
    tab.at("cassette-name").fill("box")
    tab.at("dialog-act").click()
    tab.told("box")
    folder = talk.options[1]
    assert "boxed" in next(iter(Path(folder).glob("box*"))).read_text()


def test_mode(talk, tab):
    tab.open(talk.daemon)
    expect(tab.at("mode")).to_have_value("new_episodes")
    tab.at("mode").select_option("none")
    tab.told("none")
    assert talk.daemon.chat("never asked before")[0] >= 400
    assert talk.daemon.get("/_llmproxy/api/mode")["mode"] == "none"
    talk.daemon.change("PUT", "/_llmproxy/api/mode", {"mode": "new_episodes"})
    expect(tab.at("mode")).to_have_value("new_episodes")
    assert talk.daemon.chat("never asked before")[0] == 200


def test_the_verdict_is_reset(talk, tab):
    talk.chat("counted")
    tab.open(talk.daemon)
    tab.at("top-menu").click()
    tab.at("verdict").click()
    expect(tab.at("dialog")).to_contain_text("miss")
    tab.at("dialog-act").click()
    tab.told("anew")
    assert not any(each.get("misses") for each in talk.daemon.get("/_llmproxy/api/verdict")["sessions"])
