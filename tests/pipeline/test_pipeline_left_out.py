"""Why an exchange is not in its cassette, in words."""

import pytest
from attrs import evolve

from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.pipeline.left_out import why

HERE = parse_upstream("https://host/v1")
ASKED = Exchange(7, Request(b"POST", b"/v1/x", Headers()), HERE, GENERIC, 1.0)
RECORDED = Recording(
    7, ASKED.request, Response(ResponseHead(429)), HERE, Ending.COMPLETE, Outcome.MISS, 1.0, replayable=False
)


@pytest.mark.parametrize(
    ("recording", "told"),
    [
        (None, "plugin"),
        (RECORDED, "status is 429"),
        (evolve(RECORDED, response=None), "status is 0"),
        (evolve(RECORDED, ending=Ending.CLIENT_GONE), "not whole: client gone"),
        (evolve(RECORDED, cut=True), "--record-max-body"),
        (evolve(RECORDED, detail="not to be replayed: its last event is missing"), "last event"),
    ],
)
def test_the_first_reason_that_holds(recording, told):
    assert told in why(ASKED, recording)


def test_what_the_client_has_asked_for_comes_first():
    asked = Exchange(7, ASKED.request, HERE, GENERIC, 1.0, directives=Directives(no_store=True))
    assert why(asked, RECORDED) == "its request says no-store"
