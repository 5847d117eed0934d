"""Every trick of an upstream through a daemon: what its client gets, if it is replayed, what the next one gets.

The table of docs/hostile-upstreams.md is the same as that in `hostile_answers.py`.
"""

import http.client
import json
from pathlib import Path

import hostile_answers
import pytest
from hostile_answers import ANSWER, BROKEN, LATE, REFUSED, TRICKS
from rig import json_answer

PAGE = Path(__file__).parents[2] / "docs" / "hostile-upstreams.md"
SECTIONS = {
    "Status lines": hostile_answers.STATUS_LINES,
    "Header fields": hostile_answers.FIELDS,
    "Lengths": hostile_answers.LENGTHS,
    "Transfer codings": hostile_answers.CODINGS,
    "Chunks": hostile_answers.CHUNKS_,
    "Trailers": hostile_answers.TRAILERS,
    "Interim answers": hostile_answers.INTERIM,
    "Bodies and what stands behind them": hostile_answers.ENDS,
}
MAY = {
    ANSWER: ("whole",),
    REFUSED: ("502",),
    BROKEN: ("broken off",),
    LATE: ("502", "broken off"),
}


def playing(peer):
    """Answers the request for trick 7 with the seventh, and closes; each other one with its own name."""
    while head := peer.request()[0]:
        number = head.split(b" ")[1].rpartition(b"/")[2].decode()
        if number.isdigit():
            peer.send(TRICKS[int(number)].octets)
            break
        peer.send(json_answer({"asked": number}))


def got(proxy, number, trick):
    """(what, body, fields) as a client sees it."""
    try:
        method = "HEAD" if trick.head_only else "POST"
        status, fields, body = proxy.request(method, f"/v1/x/{number}", None if trick.head_only else b"{}")
    except http.client.IncompleteRead as error:
        return "broken off", error.partial, {}
    if status == 502:
        assert trick.head_only or "sent what is not HTTP" in said(body) or "sent a head" in said(body)
        return "502", trick.body, fields
    return "whole", body, fields


def said(body):
    return json.loads(body)["error"]["message"]


def test_all_of_them(daemon, upstream):
    """One after the other on one daemon: none leaves anything to the next."""
    server = upstream(playing)
    proxy = daemon("--upstream", server.url)
    for number, trick in enumerate(TRICKS):
        what, body, fields = got(proxy, number, trick)
        assert what in MAY[trick.client], trick.name
        assert body == trick.body or what == "broken off", trick.name
        assert "X-Evil" not in fields, trick.name
        proxy.settle()
        newest = proxy.get("/_llmproxy/api/exchanges?limit=1")["exchanges"][0]
        assert newest["replayable"] is (what == "whole" and trick.replayed), trick.name
        status, _, body = proxy.request("POST", f"/v1/x/next-{number}", b"{}")
        assert (status, json.loads(body)) == (200, {"asked": f"next-{number}"}), trick.name


def rows(section):
    table = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def row(trick):
    replayed = "yes" if trick.replayed else "no"
    return [trick.name, trick.client, replayed, {True: "yes", False: "no", None: "perhaps"}[trick.reused]]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_page_says_the_same(section):
    assert rows(section) == [row(trick) for trick in SECTIONS[section]]


def test_every_trick_stands_in_a_section_and_has_a_name_of_its_own():
    assert [trick for tricks in SECTIONS.values() for trick in tricks] == TRICKS
    assert len({trick.name for trick in TRICKS}) == len(TRICKS)
