"""The corpus as seeds: files with a few octets changed are read, refused or skipped, and what is read is understood.

Nothing else may happen, in whatever form or API. `make fuzz` goes on for longer.
"""

import csv
from functools import lru_cache
from pathlib import Path

import corpus
import recorded
from mutations import dice, seeds

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer

LARGEST = 60_000  # octets of a seed: a larger one tells the same more slowly
TOKENS = [
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"null", b"1e999", b"-", b"\\ud800", b"\n", b"\r", b"\0"),
    *(
        b"\xff",
        b"  ",
        b"- ",
        b"? ",
        b"!!python/object:os.system ",
        b"&a ",
        b"*a",
        b"!!binary ",
        b"data: ",
        b"data:[DONE]",
    ),
    *(b"event: error\n", b"\n\n", b"1" * 30, b"NaN", b"base64:", b'{"error": 1}', b"[[[[[[[[", b"!binary |", b"'"),
]


@lru_cache(maxsize=1)
def names():
    """The smaller files, as many of each form as there are."""
    with (corpus.HOME / "INDEX.csv").open() as index:
        return [row["file"] for row in csv.DictReader(index) if int(row["bytes"]) <= LARGEST]


def mutated(chance, data):
    """Up to eight changes, or a cut."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice([0, 1, 1, 2, 8, 40]))
        data[start:end] = chance.choice([b"", chance.choice(TOKENS), data[start:end] * 2, chance.randbytes(2)])
    return bytes(data[: chance.randint(0, len(data))] if chance.random() < 0.2 else data)


def understood(recording):
    """What `llmproxy show` and the pages would ask of it."""
    request, response = recording.request, recording.response
    dialect = recognise(request, BUILT_IN)
    assert isinstance(dialect.operation(request), Operation)
    assert isinstance(dialect.model(request), str)
    assert dialect.streams(request) in (True, False)
    assert isinstance(dialect.conversation(request), Conversation)
    if response is not None:
        answer, problem = read_answer(dialect, request, response)
        assert isinstance(answer, Answer)
        assert isinstance(problem, str)
        assert "failed with" not in problem, "a dialect of ours raised"


def test_a_changed_file_is_read_refused_or_skipped():
    recorded.needed()
    seen = set()
    for seed in seeds():
        chance = dice(seed)
        name = chance.choice(names())
        data = mutated(chance, Path(corpus.HOME / name).read_bytes())
        try:
            for entry in read(name, data):
                seen.add(type(entry))
                if not isinstance(entry, Skipped):
                    understood(entry)
        except Unreadable as error:
            seen.add(type(error))
        except BaseException:
            print("seed", seed, "file", name)
            raise
    assert len(seen) > 1, "the changes do nothing, or all"
