"""Secrets in recordings of every format that is read: imported, and exported in every format, they are nowhere."""

import base64
import binascii
import re
import shutil

import pytest
from planted_files import FILES, SECRETS

from proxy_daemon.core.cassettes.formats import BUILT_IN, chosen
from proxy_daemon.core.cassettes.packed import unpacked
from proxy_daemon.core.cassettes.writers import WRITERS

_CODED = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
# Formats that hold less than all of them: an answer, what is said, what is asked for.
FEWER = {
    "promptecho": {"query", "said", "key"},
    "asgi-replay": {"set cookie", "said"},
    "wiremock": {"key", "member", "query", "set cookie", "said"},
    "markdown": {"key", "said"},
    "aimock": {"key", "said"},
    "raw-sse": {"said"},
    "sse-data-lines-txt": {"said"},
}

# Formats whose files hold too little for all that is written.
WRITTEN = {
    "asgi-replay": {"llmproxy", "asgi-replay"},
    "wiremock": {"llmproxy", "asgi-replay", "jsonl", "markdown"},
    "raw-sse": {"llmproxy"},
    "sse-data-lines-txt": {"llmproxy"},
}


def held(data):
    """Names of the secrets in these octets, and in what is written in base64 there."""
    plain = [unpacked(data), *filter(None, map(decoded, _CODED.findall(data)))]
    return {name for name, secret in SECRETS.items() if any(secret.encode() in each for each in plain)}


def decoded(text):
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def everything(place):
    """Names of the secrets in all files below, by file."""
    found = {each.relative_to(place).as_posix(): held(each.read_bytes()) for each in place.rglob("*") if each.is_file()}
    return {name: secrets for name, secrets in found.items() if secrets}


@pytest.fixture
def planted(place):
    """`planted(format)` is a file of it, outside of the folder that is looked through."""

    def write(form):
        name, content = FILES[form]
        path = place.parent / f"{place.name}-given" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content())
        return path

    yield write
    shutil.rmtree(place.parent / f"{place.name}-given", ignore_errors=True)


def test_there_is_a_file_of_each_format_that_is_read():
    assert set(FILES) == {form.name for form in BUILT_IN} - {"refused"}


@pytest.mark.parametrize("form", FILES)
def test_they_are_planted(planted, form):
    path = planted(form)
    assert chosen(path.name, unpacked(path.read_bytes())).name == form
    assert held(path.read_bytes()) >= FEWER.get(form, set(SECRETS))


@pytest.mark.parametrize("form", FILES)
def test_what_is_imported_and_exported_holds_none(planted, place, llmproxy, form):
    """In the store, in a cassette of ours, in files of every format, on the terminal."""
    path = planted(form)
    said = [llmproxy("import", path, "--store", "s.db", "--skip-refused")]
    said.append(llmproxy("import", path, "--into", "into.yaml", "--skip-refused"))
    for name in WRITERS:
        said.append(llmproxy("export", "--format", name, "--output", f"{name}/", "--store", "s.db", "--skip-refused"))
        said.append(
            llmproxy("export", "--format", name, "--output", f"{name}-of-file/", "--skip-refused", "--from", path)
        )
    assert [held("\n".join([*out, err]).encode()) for _, out, err in said] == [set()] * len(said)
    assert everything(place) == {}
    assert all(code == 0 for code, _, _ in said), said
    written = WRITTEN.get(form, set(WRITERS))
    folders = {each.parent.name for each in place.rglob("*/*") if each.is_file()}
    assert folders == written | {f"{name}-of-file" for name in written}


@pytest.mark.parametrize("form", FILES)
def test_what_is_shown_on_the_standard_output_holds_none(planted, llmproxy, form):
    path = planted(form)
    for name in WRITERS:
        _, out, err = llmproxy("export", "--format", name, "--skip-refused", "--from", path)
        assert held("\n".join([*out, err]).encode()) == set(), name
