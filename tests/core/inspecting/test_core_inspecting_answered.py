"""A hit has the bodies of the recording that answered it; what asked for no-store has none."""

from array import array

import pytest
from attrs import evolve
from inspected import recorded

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.answered import answered, answered_by, is_told_by_another
from proxy_daemon.core.inspecting.opened import opened
from proxy_daemon.core.messages import Outcome, Pieces

SOURCE = recorded(said={"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]})
HIT = evolve(recorded(b"", id=9), served_from=SOURCE.id, outcome=Outcome.HIT)
STORE = {SOURCE.id: SOURCE}


def test_it_says_what_it_was_answered():
    found = opened(answered(HIT, STORE.get))
    assert found.conversation.messages[0].parts[0].text == "hi"
    assert found.answer.choices[0].parts[0].text == "Hello"


def test_when_its_pieces_came_is_not_told():
    """They were served: the times of the recording are of another day."""
    source = evolve(SOURCE, response=evolve(SOURCE.response, pieces=Pieces(array("Q", [7]), array("Q", [250_000]))))
    assert answered(HIT, {SOURCE.id: source}.get).response == SOURCE.response


def test_it_stays_the_hit_that_it_is():
    found = answered(HIT, STORE.get)
    assert (found.id, found.outcome, found.served_from) == (9, Outcome.HIT, SOURCE.id)
    assert evolve(found, request=HIT.request, response=None) == HIT


def test_a_body_of_its_own_stays():
    own = recorded({"model": "m", "messages": [{"role": "user", "content": "other words"}]}).request.body
    hit = evolve(HIT, request=evolve(HIT.request, body=own))
    found = answered(hit, STORE.get)
    assert found.request.body is own
    assert found.response.body is SOURCE.response.body


def test_an_answer_of_its_own_stays():
    own = evolve(HIT, response=SOURCE.response)
    assert answered(own, {}.__getitem__) is own
    assert answered_by(own, evolve(SOURCE, response=None)).response is SOURCE.response


@pytest.mark.parametrize("number", [0, 77])
def test_where_there_is_no_such_recording_it_is_as_it_is(number):
    lone = evolve(HIT, served_from=number)
    assert answered(lone, STORE.get) is lone


def test_what_asked_for_no_store_is_not_told_by_another():
    """It is kept without header fields and without bodies."""
    withheld = evolve(HIT, request=evolve(HIT.request, headers=Headers(), body=EMPTY))
    assert not is_told_by_another(withheld)
    assert answered(withheld, STORE.get) is withheld
    assert is_told_by_another(HIT)
