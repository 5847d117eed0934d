"""Streams cut anywhere, and what a reader of `core/wire` makes of them: for the tests of every framing."""

import itertools
import random

from hypothesis import strategies as st

from proxy_daemon.core.wire import Malformed


def joined(*fragments):
    """A strategy: octets put together of these, in any order and number."""
    return st.lists(st.sampled_from(fragments), max_size=30).map(b"".join)


def cuts(data):
    """A strategy: offsets to cut at, the same one more than once (an empty piece) included."""
    return st.lists(st.integers(0, len(data)), max_size=12)


def with_cuts(streams):
    """A strategy: (stream, where to cut it)."""
    return streams.flatmap(lambda data: st.tuples(st.just(data), cuts(data)))


def random_cuts(data, seed):
    """For a corpus: a few cuts, many, or one behind each octet of a short stream."""
    chance = random.Random(seed)
    number = chance.choice([0, 1, 3, 50, 1000, len(data) if len(data) < 5000 else 2000])
    return [chance.randint(0, len(data)) for _ in range(number)]


def read(reader, data, cuts=()):
    """(items, what is left, the `Malformed` or None). Holds for every stream: what was fed is there again."""
    items, fed, fault = [], 0, None
    try:
        for begin, end in itertools.pairwise([0, *sorted(cuts), len(data)]):
            fed = end
            items += reader.feed(data[begin:end])
        items += reader.end()
    except Malformed as error:
        fault = error
    assert b"".join(item.raw for item in items) + reader.rest == data[:fed]
    assert [item.start for item in items] == list(itertools.accumulate((len(item.raw) for item in items), initial=0))[
        : len(items)
    ]
    return items, reader.rest, fault


def same_for_any_cut(make, data, cuts):
    """What ``make()`` reads of all at once, after holding it against the stream cut up; and then octet by octet."""
    whole = read(make(), data)
    for places in (cuts, range(1, len(data))):
        items, rest, fault = read(make(), data, places)
        assert (items, str(fault)) == (whole[0], str(whole[2]))
        if fault is None:
            assert rest == whole[1]
    return whole
