"""What can go wrong, as exceptions: which answer each gives, and how the exchange is noted."""

import pytest

from proxy_daemon.core.messages import Ending, Outcome
from proxy_daemon.pipeline.faults import Fault, Miss, PluginFault, Refusal, StartError, UpstreamFault

RETRY = ((b"x-should-retry", b"false"),)
FAULTS = [
    (Fault(502, "why"), 502, "llmproxy_error", Outcome.FAILED, Ending.FAILED, ()),
    (UpstreamFault(502, "why"), 502, "llmproxy_upstream", Outcome.FAILED, Ending.FAILED, ()),
    (UpstreamFault(504, "why"), 504, "llmproxy_upstream", Outcome.FAILED, Ending.TIMEOUT, ()),
    (Refusal(404, "why"), 404, "llmproxy_refused", Outcome.REFUSED, Ending.REFUSED, ()),
    (Refusal(413, "why"), 413, "llmproxy_refused", Outcome.REFUSED, Ending.REFUSED, ()),
    (Miss("why"), 424, "llmproxy_miss", Outcome.REFUSED, Ending.REFUSED, RETRY),
]


@pytest.mark.parametrize(("fault", "status", "kind", "outcome", "ending", "headers"), FAULTS)
def test_a_fault_knows_its_answer(fault, status, kind, outcome, ending, headers):
    assert isinstance(fault, Fault)
    assert (fault.status, fault.kind, fault.headers) == (status, kind, headers)
    assert (fault.outcome, fault.ending) == (outcome, ending)
    assert fault.message == str(fault) == "why"


def test_a_plugins_fault_names_plugin_hook_and_reason():
    fault = PluginFault("bad", "llmproxy_route", "KeyError: 'x'")
    assert (fault.status, fault.kind, fault.plugin) == (502, "llmproxy_plugin", "bad")
    assert fault.message == str(fault) == "The plugin 'bad' failed in llmproxy_route: KeyError: 'x'"
    assert (fault.outcome, fault.ending) == (Outcome.FAILED, Ending.FAILED)


def test_one_timeout_does_not_change_the_others():
    UpstreamFault(504, "")
    assert (UpstreamFault.ending, Fault.ending, UpstreamFault(502, "").ending) == (Ending.FAILED,) * 3


def test_a_start_that_fails_is_no_fault_of_an_exchange():
    assert not issubclass(StartError, Fault)
