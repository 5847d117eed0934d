"""Cassettes on the disk for the commands that care for them."""

from attrs import evolve

from proxy_daemon.core.cassettes.llmproxy import HEADER, INLINE, written
from tests.core.cassettes.llmproxy.cassette_files import ANSWER, QUESTION, file_of, recording

PICTURE = b"\x89PNG\xff" * INLINE
NOT_NAMED = "ab" * 32 + ".png"
KEY = "gsk_" + "a1B2c3D4e5" * 5


def asked(text="the capital of France", said="Paris.", *, path=b"/v1/chat/completions", **changes):
    answer = ANSWER.replace(b"Paris.", said.encode())
    return evolve(recording(QUESTION.replace(b"the capital of France", text.encode()), answer, path=path), **changes)


def put(folder, *recordings, name="c.yaml", more=b""):
    """The cassette's path."""
    (folder / name).write_bytes(file_of(*recordings) + more)
    return folder / name


def put_picture(folder, name="c.yaml"):
    """A cassette with a file beside it: both paths."""
    document = written(recording(answer=PICTURE, kind=b"image/png", path=b"/x"))
    (folder / name).write_bytes(HEADER + document.text)
    ((beside, data),) = document.beside.items()
    (folder / beside).write_bytes(data)
    return folder / name, folder / beside


def line_of(data, text):
    """Of the first octets like these, from 1."""
    return data[: data.index(text)].count(b"\n") + 1
