"""Files beside a cassette: what they may be called, and what becomes of bodies in them."""

import os
from hashlib import sha256

import pytest
from cassettes import answered, octets, recorded

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.store.cassette.beside import Beside, FileBody
from proxy_daemon.store.cassette.cassette import CassetteError

AUDIO = bytes(range(256)) * 400
NAME = sha256(AUDIO).hexdigest() + ".mpeg"


def name_of(path):
    return next(each for each in path.parent.iterdir() if each != path)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc/passwd", "a/b", ".hidden", "a\0b", "x\n", "a" * 300, "a b"],
)
def test_a_name_leads_nowhere_else(tmp_path, name):
    beside = Beside(str(tmp_path / "here"))
    with pytest.raises(OSError, match="no name"):
        beside(name)
    with pytest.raises(OSError, match="no name"):
        beside.write({name: b"x"})


@pytest.mark.parametrize("kind", ["link", "directory", "pipe", "missing"])
def test_only_a_regular_file_is_read(tmp_path, kind):
    place = tmp_path / NAME
    (tmp_path / "secret").write_bytes(b"secret")
    if kind == "link":
        place.symlink_to(tmp_path / "secret")
    elif kind == "directory":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    with pytest.raises(OSError, match=NAME):
        Beside(str(tmp_path))(NAME)


def test_a_file_that_is_there_is_not_written_again(tmp_path):
    beside = Beside(str(tmp_path))
    beside.write({NAME: AUDIO})
    before = (tmp_path / NAME).stat()
    beside.write({NAME: AUDIO})
    assert (tmp_path / NAME).stat() == before
    (tmp_path / NAME).write_bytes(AUDIO[:10])  # of a crash, or a checkout without its large files
    beside.write({NAME: AUDIO})
    assert (tmp_path / NAME).read_bytes() == AUDIO
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_a_link_of_that_name_is_replaced_and_not_written_through(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / NAME).symlink_to(tmp_path / "secret")
    Beside(str(tmp_path)).write({NAME: AUDIO})
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert (tmp_path / NAME).read_bytes() == AUDIO


def test_bodies_that_were_written_or_read_stand_in_the_file_and_others_in_memory(tmp_path):
    beside = Beside(str(tmp_path))
    beside.write({NAME: AUDIO})
    one = recorded(response=answered(AUDIO))
    written = beside.swapped(one, {NAME: AUDIO})
    assert written.response.body == FileBody(str(tmp_path / NAME), len(AUDIO))
    assert written.request.body is one.request.body
    assert beside.swapped(one).response.body is one.response.body  # nothing was read
    data = beside(NAME)
    assert octets(beside.swapped(recorded(response=answered(data))).response.body) == AUDIO
    assert beside.swapped(one).response.body is one.response.body  # each is asked once
    assert beside.swapped(recorded(response=None), {}).response is None


@pytest.mark.parametrize(
    ("offset", "size", "found"), [(0, 3, b"abc"), (4, 9, b"e"), (5, 1, b""), (9, 9, b""), (0, 0, b"")]
)
def test_a_body_in_a_file_is_read_in_parts(tmp_path, offset, size, found):
    (tmp_path / "x").write_bytes(b"abcde")
    body = FileBody(str(tmp_path / "x"), 5)
    assert (body.read(offset, size), body.whole()) == (found, None)


def test_a_body_whose_file_is_gone_or_cut_is_an_error(tmp_path):
    (tmp_path / "x").write_bytes(b"abcde")
    body = FileBody(str(tmp_path / "x"), 9)
    with pytest.raises(OSError, match="missing"):
        body.read(5, 4)
    (tmp_path / "x").unlink()
    with pytest.raises(FileNotFoundError):
        body.read(0, 1)


@pytest.mark.parametrize("damage", ["missing", "other"])
def test_a_missing_or_changed_file_is_an_error_at_open_that_names_it(played, path, damage):
    one = played()
    one.put(recorded("a", response=answered(AUDIO, ((b"Content-Type", b"audio/mpeg"),))), recorded("b", "two"))
    beside = name_of(path)
    if damage == "missing":
        beside.unlink()
    else:
        beside.write_bytes(AUDIO[:-1] + b"x")
    with pytest.raises(CassetteError, match=rf"{path}:\d+: .*{beside.name[:16]}"):
        played("none")
    assert played("none", tolerate_damage=True).answers("b") == ["two"]


def test_a_recording_is_not_written_where_its_file_beside_cannot_be(played, path, quick):
    one = played()
    one.put(recorded("a"))
    before = path.read_bytes()
    large = recorded("b", response=answered(AUDIO, ((b"Content-Type", b"audio/mpeg"),)))
    probe = played(at=path.with_name("probe") / "x.yaml")
    probe.put(large)
    place = path.with_name(name_of(probe.path).name)
    place.mkdir()
    (place / "full").write_bytes(b"")
    assert one.put(large) == [False]
    assert path.read_bytes() == before
    assert place.name in one.cassette.trouble
    (place / "full").unlink()
    place.rmdir()
    one.until(lambda: not one.cassette.trouble)
    assert place.read_bytes() == AUDIO


def test_a_spooled_body_is_known_by_its_octets(tmp_path):
    class Spooled(Bytes):
        def whole(self):
            return None

    beside = Beside(str(tmp_path))
    one = recorded(response=answered(AUDIO))
    response = type(one.response)(one.response.head, Spooled(AUDIO), one.response.pieces)
    found = beside.swapped(recorded(response=response), {NAME: AUDIO}).response.body
    assert found == FileBody(str(tmp_path / NAME), len(AUDIO))
    assert beside.swapped(recorded(response=response), {}).response.body == Bytes(AUDIO)
