"""The files of the page: what is served and how, and that no path leads out of their folder."""

import gzip
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.test.requesthelper import DummyRequest

from proxy_daemon.core.routing import CASSETTE, NAMED
from proxy_daemon.net.mounting import mounted
from proxy_daemon.ui.files import FOR_EVER, FRESH, INDEX, KINDS, POLICY, STATIC, Files, takes_gzip

PAGE = b"<!doctype html>" + b" " * 500
SCRIPT = b"export const x = 1;\n" * 50


@pytest.fixture
def folder(tmp_path):
    """A folder as `ui/static` is, with something beside it."""
    static = tmp_path / "static"
    (static / "js" / "deep").mkdir(parents=True)
    (static / INDEX).write_bytes(PAGE)
    (static / "js" / "main.js").write_bytes(SCRIPT)
    (static / "js" / "deep" / "a.mjs").write_bytes(b"1")
    (static / "js" / "odd.js").mkdir()
    (static / "app.0123abcd.js").write_bytes(SCRIPT)
    (static / "icon.png").write_bytes(b"\x89PNG" * 200)
    (static / "notes.py").write_bytes(b"no")
    (static / ".hidden.js").write_bytes(b"no")
    (tmp_path / "secret.js").write_bytes(b"hush")
    return static


def get(files, path, method=b"GET", **fields):
    """(status, fields, body) of one request, as the tree of resources leads it."""
    first, *rest = path.split("/")
    root = mounted([("pages", files.pages())])
    if first not in root:
        return 404, {}, b""
    request = DummyRequest([segment.encode("latin-1") for segment in rest])
    request.method, request.responseCode = method, 200
    for name, value in fields.items():
        request.requestHeaders.setRawHeaders(name.replace("_", "-"), [value])
    body = root[first].render(request)
    found = {name.decode().lower(): values[0].decode() for name, values in request.responseHeaders.getAllRawHeaders()}
    return request.responseCode, found, body


# --- what is served --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", INDEX])
def test_the_page_has_its_policy(folder, path):
    status, fields, body = get(Files(folder), path)
    assert (status, fields["content-type"], body) == (200, "text/html; charset=utf-8", PAGE)
    assert fields["content-security-policy"] == POLICY


def test_the_policy_lets_nothing_in_from_elsewhere():
    rules = dict(each.strip().partition(" ")[::2] for each in POLICY.split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["form-action"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert not any(word in POLICY for word in ("unsafe", "http:", "https:", "*"))


SERVED = {
    "js/main.js": ("text/javascript; charset=utf-8", SCRIPT, FRESH),
    "js/deep/a.mjs": ("text/javascript; charset=utf-8", b"1", FRESH),
    "app.0123abcd.js": ("text/javascript; charset=utf-8", SCRIPT, FOR_EVER),
    "icon.png": ("image/png", b"\x89PNG" * 200, FRESH),
}


@pytest.mark.parametrize(("path", "found"), SERVED.items(), ids=SERVED)
def test_a_file(folder, path, found):
    status, fields, body = get(Files(folder), path)
    assert (status, fields["content-type"], body, fields["cache-control"]) == (200, *found[:2], found[2])
    assert fields["content-length"] == str(len(body))
    assert "content-security-policy" not in fields  # what all pages have stays: nothing is loaded


TAKES = {
    **dict.fromkeys(("gzip", "br, gzip;q=0.5", "GZIP", "x-gzip"), True),
    **dict.fromkeys(("gzip;q=0", "gzip; q=0.0", "br", "", "xgzip", "gzipx", "," * 5000), False),
}


@pytest.mark.parametrize(("accepted", "packed"), TAKES.items(), ids=lambda each: str(each)[:20])
def test_gzip_is_sent_to_who_takes_it(folder, accepted, packed):
    _, fields, body = get(Files(folder), "js/main.js", accept_encoding=accepted)
    assert (fields.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(body) if packed else body) == SCRIPT
    assert (fields["vary"], fields["content-length"]) == ("accept-encoding", str(len(body)))


def test_what_gets_no_shorter_is_not_compressed(folder):
    files = Files(folder)
    assert "content-encoding" not in get(files, "icon.png", accept_encoding="gzip")[1]
    assert "content-encoding" not in get(files, "js/deep/a.mjs", accept_encoding="gzip")[1]


def test_an_etag_is_of_the_very_octets(folder):
    files = Files(folder)
    plain, packed = (get(files, "js/main.js", accept_encoding=each)[1]["etag"] for each in ("", "gzip"))
    assert plain != packed
    assert not plain.startswith("W/")
    assert get(files, "app.0123abcd.js")[1]["etag"] == plain  # the same octets
    assert get(files, "icon.png")[1]["etag"] != plain


NAMES = {"{}": 304, "W/{}": 304, '"x", {}': 304, "*": 304, '"x"': 200, "": 200, "{}x": 200}


@pytest.mark.parametrize(("form", "status"), NAMES.items(), ids=NAMES)
def test_what_the_browser_has_is_not_sent_again(folder, form, status):
    files = Files(folder)
    tag = get(files, "js/main.js")[1]["etag"]
    found, fields, body = get(files, "js/main.js", if_none_match=form.format(tag))
    assert (found, body) == (status, b"" if status == 304 else SCRIPT)
    assert fields["etag"] == tag


def test_head_is_get_without_the_body(folder):
    status, fields, body = get(Files(folder), "js/main.js", b"HEAD")
    assert (status, fields["content-length"], body) == (200, str(len(SCRIPT)), b"")


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"BREW"])
def test_they_are_only_read(folder, method):
    status, fields, body = get(Files(folder), "js/main.js", method)
    assert (status, fields["allow"], "error" in json.loads(body)) == (405, "GET, HEAD", True)


def test_a_file_is_read_once_and_again_where_it_has_changed(folder, monkeypatch):
    files, path = Files(folder), folder / "js" / "main.js"
    tag = get(files, "js/main.js")[1]["etag"]
    monkeypatch.setattr(type(path), "read_bytes", lambda path: b"changed")
    assert get(files, "js/main.js")[1]["etag"] == tag
    os.utime(path, ns=(1, 1))
    assert get(files, "js/main.js")[2] == b"changed"


# --- what is not -----------------------------------------------------------------------------------------------------

NOT_THERE = [
    *("nope", "js", "js/", "js/nope.js", "js/main.js/", "js/main.js/x", "js//main.js", "main.js", "js/deep"),
    *("js/odd.js", "notes.py", ".hidden.js", "js/../index.html", "js/..", "..", "js/../../secret.js", "js/./main.js"),
    *("js/%2e%2e/secret.js", "js\\main.js", "js/main.js\0", "js/\xff.js", "js/" + "a" * 5000 + ".js", "/etc/passwd"),
]


@pytest.mark.parametrize("path", NOT_THERE, ids=[repr(path)[:30] for path in NOT_THERE])
def test_what_is_no_file_of_ours_is_not_there(folder, path):
    status, _, body = get(Files(folder), path)
    assert status == 404
    assert b"hush" not in body


def test_a_segment_with_a_slash_in_it_is_no_name(folder):
    """As `%2F` in a path becomes one."""
    request = DummyRequest([b"../../secret.js"])
    request.responseCode = 200
    assert b"hush" not in Files(folder).pages()["js"].render(request)
    assert request.responseCode == 404


@given(st.lists(st.binary(max_size=12), max_size=4))
def test_hostile_paths(segments):
    request = DummyRequest(segments)
    request.responseCode = 200
    body = Files().pages()["js"].render(request)
    assert request.responseCode in (200, 404)
    assert body


@given(st.binary(max_size=200))
def test_hostile_accept_encodings(accepted):
    assert takes_gzip(accepted) in (True, False)


# --- our own ---------------------------------------------------------------------------------------------------------


def test_all_that_is_ours_can_be_served():
    """The names stand in no other page's way, and every file of the page has a kind."""
    names = set(Files().pages())
    assert "" in names
    assert not names & {"api", "health", NAMED.decode().split("/")[2], CASSETTE.decode().split("/")[2]}
    unknown = [path for path in STATIC.rglob("*") if path.is_file() and path.suffix not in KINDS]
    assert not unknown


def test_the_index_is_in_the_package():
    assert get(Files(), "")[0] == 200
