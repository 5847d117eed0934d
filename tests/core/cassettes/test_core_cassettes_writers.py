"""All formats that are written: by name, loaded when asked for; each makes files that its own reader opens."""

import json
import re
import subprocess
import sys
from collections import Counter

import pytest
import recorded as corpus
from inspected import USER, chat, recorded
from written_losses import LOSSES

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.foreign_text import LEFT_OUT, WrittenEntry
from proxy_daemon.core.cassettes.formats import BUILT_IN, chosen
from proxy_daemon.core.cassettes.writers import WRITERS, NoWriter, Writer, writer_named, writers_in
from proxy_daemon.core.messages import Ending, Recording, Unknown

NOT_READ = ("curl", "python", "jsonl")
READERS = {one.name: one for one in BUILT_IN}


def one(text="Hello", **more):
    asked = {"model": "m", "messages": [USER | {"content": f"say {text}"}]}
    return recorded(asked, chat(text), **more)


def file_of(writer, *recordings):
    made = [writer.entry(each) for each in recordings]
    assert all(entry.text for entry in made), [entry.left_out for entry in made]
    if not made:
        return writer.empty
    return writer.head + writer.between.join(entry.text for entry in made) + writer.tail


class Mine:
    """As a plugin has it: nothing but attributes and one method."""

    name = "mine"
    suffix = ".mine"
    single = False
    head = between = tail = empty = b""

    def entry(self, recording):
        return WrittenEntry(b"%d\n" % recording.status)


# --- by name ---------------------------------------------------------------------------------------------------------


def test_each_is_found_by_its_name():
    assert len(set(WRITERS)) == len(WRITERS) == 10
    for name in WRITERS:
        found = writer_named(name)
        assert isinstance(found, Writer)
        assert (found.name, re.fullmatch(r"\.[a-z]+", found.suffix) is not None) == (name, True)
        assert {type(each) for each in (found.head, found.between, found.tail, found.empty)} == {bytes}


def test_those_of_plugins_come_first():
    class Other(Mine):
        name = "har"

    added = [object(), READERS["har"], Mine(), Other()]
    assert [each.name for each in writers_in(added)] == ["mine", "har"]
    assert isinstance(writer_named("mine", added), Mine)
    assert isinstance(writer_named("har", added), Other)
    assert not isinstance(writer_named("har"), Other)


@pytest.mark.parametrize("name", ["", "HAR", "vcr", "../har", "mine"])
def test_a_name_of_none(name):
    with pytest.raises(NoWriter, match=r"there are llmproxy, markdown, .*, python$"):
        writer_named(name)
    with pytest.raises(NoWriter, match=r"python, other$"):
        writer_named(name, [type("Other", (Mine,), {"name": "other"})()])


def test_only_what_is_asked_for_is_loaded():
    code = (
        "import sys\n"
        "from proxy_daemon.core.cassettes.writers import writer_named\n"
        "here = 'proxy_daemon.core.cassettes.'\n"
        "loaded = lambda: [name for name in sys.modules if name.startswith(here) and name.endswith('_writing')]\n"
        "print(loaded())\n"
        "writer_named('curl')\n"
        "print(loaded())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["[]", "['proxy_daemon.core.cassettes.copied_writing']"]


# --- files -----------------------------------------------------------------------------------------------------------


def back(name, data):
    """What the format's own reader reads."""
    if name == "jsonl":
        return [json.loads(line) for line in data.splitlines()]
    if name == "markdown" and data == writer_named(name).empty:  # a talk that answers nothing is refused
        with pytest.raises(Unreadable):
            list(READERS[name].read("x.md", data))
        return []
    return list(READERS[name].read(f"x{writer_named(name).suffix}", data))


@pytest.mark.parametrize("name", [each for each in WRITERS if each not in ("curl", "python")])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_file_of_so_many(name, count):
    writer = writer_named(name)
    count = min(count, 1) if writer.single else count
    data = file_of(writer, *[one(f"word{at}") for at in range(count)])
    found = back(name, data)
    assert len(found) == count
    if name != "jsonl" and count:
        assert chosen(f"x{writer.suffix}", data).name == name
        assert all(isinstance(each, Recording) for each in found)
        assert [f"word{at}" in each.response.body.whole().decode() for at, each in enumerate(found)] == [True] * count


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_is_written_twice(name):
    assert writer_named(name).entry(one()) == writer_named(name).entry(one())


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "odd",
    [
        {"said": None},
        {"said": b"", "status": 0, "unknown": frozenset([Unknown.STATUS])},
        {"said": b"\x1f\x8b broken", "got": ((b"Content-Encoding", b"gzip"),)},
        {"said": b"\xff\xfe", "asked": b"\xff"},
        {"said": b"{}", "ending": Ending.BROKEN_OFF},
        {"said": b"{}", "cut": True},
        {"said": b"{}", "path": b"*"},
        {"said": b"{}", "path": b"/\xff\x00 #?"},
        {"said": b"{}", "sent": ((b"a\xff", b"\xff\x80"), (b"x y", b"1"))},
        {"said": b"{}", "got": ((b"X", b"\xff"), (b"x", b"2"), (b"Content-Length", b"x"))},
        {"said": b"{}", "unknown": frozenset(Unknown)},
    ],
    ids=range(11),
)
def test_what_is_odd_is_written_or_left_out_with_a_reason(name, odd):
    made = writer_named(name).entry(recorded(**odd))
    assert made.text or made.left_out
    assert told(name, made) == set()


def told(name, made):
    """Words that are not in the format's list."""
    return {what for what in made.losses if not what.startswith(LEFT_OUT) and what not in LOSSES[name]}


# --- the corpus ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_each_recording_of_the_corpus(name):
    """None raises; each is written, or left out with a reason; what is lost is said in the format's own words."""
    corpus.needed()
    writer, left_out, count = writer_named(name), Counter(), 0
    for file, at, found in corpus.exchanges():
        made = writer.entry(found)
        place = f"{file.name}#{at}"
        assert made.text or made.left_out, place
        assert told(name, made) == set(), place
        assert all(re.fullmatch(r"[0-9a-f]{64}\.[a-z0-9]{1,8}", beside) for beside in made.files), place
        left_out[made.left_out] += 1
        count += 1
    assert count == 2471
    assert LEFT[name](left_out[""]), left_out


LEFT = {  # at least so many are written
    "llmproxy": lambda written: written == 2471,
    "markdown": lambda written: written > 1500,
    "promptecho": lambda written: written == 2414,
    "vcrpy": lambda written: written > 2400,
    "har": lambda written: written > 2400,
    "mitmproxy": lambda written: written > 2400,
    "asgi-replay": lambda written: written == 2415,
    "jsonl": lambda written: written > 1500,
    "curl": lambda written: written == 2415,
    "python": lambda written: written == 2415,
}
