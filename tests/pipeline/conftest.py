"""Fixtures of exchanges: who watches that each has one beginning and one end, and what was logged as a defect."""

import pytest
from exchanges import Watch
from twisted.logger import globalLogPublisher


@pytest.fixture
def watch():
    """A plugin (`exchanges.Watch`). By the end of the test all exchanges that it saw have ended, each once."""
    made = Watch()
    yield made
    for events in made.events.values():
        assert events[0] == "begun"
        assert events[-1] in ("ended", "failed")
        assert [events.count("begun"), events.count("ended") + events.count("failed")] == [1, 1]


@pytest.fixture
def defects():
    """The formats of what was logged with a traceback."""
    seen = []

    def observe(event):
        if "log_failure" in event:
            seen.append(event["log_format"])

    globalLogPublisher.addObserver(observe)
    yield seen
    globalLogPublisher.removeObserver(observe)
