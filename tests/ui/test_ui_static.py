"""The files of the web UI as they stand: small, of this machine only, nothing that makes HTML of strings."""

import gzip
import json
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "proxy_daemon" / "ui" / "static"
OURS = sorted([*STATIC.glob("js/*.js"), STATIC / "index.html", STATIC / "style.css"])
SCRIPTS = [path for path in OURS if path.suffix == ".js"]
NAMES = [path.name for path in SCRIPTS]
IMPORT = re.compile(r'(?m)^(?:import|export|\}).*?\bfrom "([^"]+)"')


def without_comments(text):
    return re.sub(r"(?m)(^|\s)//.*$", "", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def test_all_is_less_than_400_kb_over_the_wire():
    files = [
        path for path in STATIC.rglob("*") if path.is_file() and path.suffix in {".html", ".css", ".js", ".mjs", ".svg"}
    ]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 150_000


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_names_another_host(path):
    addresses = re.findall(r"(?:https?:)?//[\w-]+\.[\w.-]+", without_comments(path.read_text("utf-8")))
    assert addresses == []


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_modules_are_short_and_say_what_they_are(path):
    text = path.read_text("utf-8")
    assert text.startswith("/**\n * "), "a head comment"
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_modules_import_only_what_is_there(path):
    for name in IMPORT.findall(without_comments(path.read_text("utf-8"))):
        assert name.startswith(("./", "../vendor/")), name
        assert (path.parent / name).is_file(), name


FORBIDDEN = {
    "HTML of strings": r"(?:inner|outer|Adjacent)HTML\b|document\.write|srcdoc|ContextualFragment|DOMParser",
    "Preact's way to it": r"dangerouslySetInnerHTML",
    "code of strings": r"\beval\(|new Function\b|setTimeout\(\s*[\"'`]|\bimport\(",
    "inline styles": r"setAttribute\(\s*[\"']style|style=\"|cssText",
    "the browser's own questions": r"\b(?:alert|confirm|prompt)\(",
    "a policy of its own": r"createPolicy",
}


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_modules_do_without(path, what):
    assert re.findall(FORBIDDEN[what], without_comments(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("name", ["markdown.js"])
def test_only_one_module_meets_the_makers_of_html(name):
    users = [path.name for path in SCRIPTS if re.search(r"vendor/(?:marked|purify)", path.read_text("utf-8"))]
    assert users == [name]


def test_the_page_itself_has_no_script_and_no_style():
    page = (STATIC / "index.html").read_text("utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (STATIC / name).is_file(), name


def test_the_page_asks_for_all_modules_at_once():
    page = (STATIC / "index.html").read_text("utf-8")
    asked = re.findall(r'<link rel="modulepreload" href="([^"]+)"', page)
    modules = [*STATIC.glob("js/*.js"), *STATIC.glob("vendor/*.mjs")]
    assert sorted([*asked, "js/main.js"]) == sorted(str(path.relative_to(STATIC)) for path in modules)


def test_every_library_has_its_licence():
    lock = json.loads((STATIC / "vendor" / "vendor.json").read_text("utf-8"))
    for name, package in lock["packages"].items():
        assert package["licence"], name
        assert package["why"], name
        assert any(place.startswith("licences/") for place in package["files"]), name


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def themes():
    text = (STATIC / "style.css").read_text("utf-8")
    blocks = re.findall(r':root(?:\[data-theme="dark"\])? \{(.*?)\n\}', text, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]


INKS = ["ink", "quiet", "accent", "hit", "miss", "live", "collapsed", "refused", "failed"]
CODE = ["key", "string", "number", "constant"]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", INKS + CODE)
def test_text_has_contrast_enough(theme, ink):
    colours = themes()[theme]
    grounds = ["bg", "hover", "chosen", "side"] if ink in INKS else ["bg", "side", "code"]
    for ground in grounds:
        assert contrast(colours[ink], colours[ground]) >= 4.5, ground


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_filled_buttons_have_contrast_enough(theme):
    colours = themes()[theme]
    for ink, ground in [
        ("accent-ink", "accent"),
        ("bg", "failed"),
        ("bg", "ink"),
        ("ink", "add"),
        ("ink", "take"),
        ("ink", "code"),
    ]:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
