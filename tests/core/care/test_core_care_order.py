"""The order of `llmproxy sort`: the same whoever recorded, and nothing is served otherwise than before."""

from attrs import evolve
from care_documents import asked, documents, with_damage
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.care.order import in_order
from proxy_daemon.core.pattern import Pattern

KINDS = [
    asked(text, said, path=path, **changes)
    for text in ("rain", "snow")
    for said in ("Yes.", "No.")
    for path in (b"/v1/chat/completions", b"/v2/chat/completions")
    for changes in ({}, {"written": True}, {"pattern": Pattern(path="/v1/*")})
]
ALL = documents(*KINDS)


def more(piece):
    return piece.entry.recording.pattern is not None or piece.entry.recording.written


def served(pieces):
    """What each request gets in turn, and in which order the rest is tried."""
    turns = {}
    for one in pieces:
        turns.setdefault(b"" if more(one) else one.entry.recording.fingerprint, []).append(one)
    return turns


@given(st.lists(st.sampled_from(ALL), unique=True))
def test_what_is_served_stays_the_same(pieces):
    found = in_order(pieces)
    assert served(found) == served(pieces)
    assert in_order(found) == found
    assert [more(one) for one in found] == sorted(more(one) for one in found)


@given(st.permutations([one for one in ALL if not more(one)]))
def test_the_order_does_not_depend_on_who_recorded_first(pieces):
    def keys(found):
        return [one.entry.recording.fingerprint for one in found]

    plain = [one for one in ALL if not more(one)]
    assert keys(in_order(pieces)) == keys(in_order(plain))


def test_by_path_then_model():
    one, two, three = (asked(path=path + b"/chat/completions") for path in (b"/v1/b", b"/v1/a", b"/v1/b"))
    body = three.request.body.whole().replace(b"gpt-4o", b"gpt-3")
    three = evolve(three, request=evolve(three.request, body=Bytes(body)))
    found = [each.entry.recording for each in in_order(documents(one, two, three))]
    assert [(each.request.target[:5], each.model) for each in found] == [
        (b"/v1/a", "gpt-4o"),
        (b"/v1/b", "gpt-3"),
        (b"/v1/b", "gpt-4o"),
    ]


def test_what_is_damaged_stands_last():
    assert [one.damaged is not None for one in in_order(with_damage(asked()))] == [False, True]
