"""Why a test fails, in words: which counts do it, in which mode, and what stands there."""

from pathlib import Path

import pytest

from proxy_daemon.in_tests.asked import asked
from proxy_daemon.in_tests.told import MOST_SHOWN, told

COUNTS = ("exchanges", "hits", "near", "misses", "refused", "collapsed", "live", "failed")


def session(*, unused=0, reports=(), left_off=0, **counts):
    listed = [{"method": "POST", "path": f"/u{n}", "model": "m", "id": "x"} for n in range(min(unused, 2))]
    return dict.fromkeys(COUNTS, 0) | {
        "session": "s",
        "unused": {"count": unused, "first": listed},
        "reports": list(reports),
        "reports_left_off": left_off,
        **counts,
    }


def report(text="why", path="/v1/x"):
    return {"what": "miss", "method": "POST", "path": path, "model": "m", "text": text}


def said(counts, *, records=False, unused=True, mode="none", trouble="", **more):
    found = {"sessions": [session(**counts)], "beyond": None, "trouble": trouble}
    return told(asked(Path("/p/a.yaml"), mode, **more), found, records=records, unused=unused)


@pytest.mark.parametrize(
    ("counts", "more", "head"),
    [
        ({"exchanges": 1, "hits": 1}, {}, ""),
        ({"exchanges": 1, "misses": 1, "refused": 1}, {}, "1 request was not recorded"),
        ({"exchanges": 3, "misses": 2, "refused": 3}, {}, "2 requests were not recorded, 1 request was refused"),
        ({"exchanges": 2, "failed": 2}, {}, "2 requests failed"),
        ({"exchanges": 1, "live": 1}, {}, "1 request went live"),
        ({"exchanges": 1, "live": 1, "misses": 1}, {"records": True, "mode": "all"}, ""),
        ({"exchanges": 1, "live": 1}, {"records": True, "fail_on": "live", "mode": "all"}, "1 request went live"),
        ({"exchanges": 1, "misses": 1}, {"records": True, "fail_on": "miss"}, "1 request was not recorded"),
        ({"exchanges": 1, "near": 1}, {"fail_on": "near"}, "1 request was answered by the recording of another"),
        ({"unused": 2}, {}, ""),
        ({"unused": 2}, {"fail_on": "unused"}, "2 recordings were not used"),
        ({"unused": 2}, {"fail_on": "unused", "unused": False}, ""),
        ({"exchanges": 1, "misses": 1, "refused": 1}, {"fail_on": "nothing"}, ""),
    ],
)
def test_heads(counts, more, head):
    text = said(counts, **more).text
    assert text.startswith(f"llmproxy: {head}") if head else not text


def test_differences_stand_below_and_what_there_is_no_room_for_is_counted():
    reports = [report("one\ntwo", f"/{n}") for n in range(MOST_SHOWN + 2)]
    lines = said({"misses": 7, "refused": 7, "reports": reports, "left_off": 3}).text.splitlines()
    assert lines[1:4] == ["POST /0 m", "    one", "    two"]
    assert "    and 5 more" in lines
    assert lines[-1].endswith("LLMPROXY_MODE=all, and the same command")


def test_unused_ones_are_listed():
    assert said({"unused": 3}, fail_on="unused").text.splitlines()[1:4] == [
        "    not used: POST /u0 m",
        "    not used: POST /u1 m",
        "    and 1 more",
    ]


def test_nothing_steers_a_terminal():
    text = said({"misses": 1, "refused": 1, "reports": [report("a\x1b[2Jb", "/\x1b]0;x\n/y")]}).text
    assert "\x1b" not in text
    assert "/y" in text.splitlines()[1]


def test_whether_anything_was_asked():
    assert said({}).nothing_asked
    assert not said({"exchanges": 1}).nothing_asked


def test_what_could_not_be_written_fails_the_test_that_it_belongs_to():
    trouble = "/p/a.yaml: No space left on device; /p/b.yaml: read-only"
    assert said({"exchanges": 1}, trouble=trouble).text == f"llmproxy: not all was recorded: {trouble}"
    assert not said({"exchanges": 1}, trouble="/p/b.yaml: read-only").text
    assert not said({"exchanges": 1}, trouble=trouble, fail_on="nothing").text
