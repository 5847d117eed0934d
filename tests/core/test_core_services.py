"""What plugins are handed: every implementation fulfils its protocol, by name and by signature."""

import inspect
import io

import attrs
import pytest

from proxy_daemon import testing
from proxy_daemon.core import services
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Clock, Scheduler, Services, Store, Worker
from proxy_daemon.net import housekeeping
from proxy_daemon.store.database import SQLiteStore
from proxy_daemon.store.nothing import NoStore

IMPLEMENTATIONS = [
    (Store, SQLiteStore),
    (Store, NoStore),
    (Store, testing.MemoryStore),
    (Clock, testing._KitClock),
    (Worker, housekeeping.ThreadWorker),
    (Scheduler, housekeeping.LoopingScheduler),
]


def calls(protocol):
    """(name, function) of each method that a protocol asks for."""
    return [(name, value) for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"]


def names(function):
    return [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize(("protocol", "implementation"), IMPLEMENTATIONS)
def test_an_implementation_has_every_method_as_the_protocol_says(protocol, implementation):
    methods = calls(protocol)
    assert methods
    for name, promised in methods:
        given = names(getattr(implementation, name))
        assert given[: len(names(promised))] == names(promised), name
        assert all(default is not inspect.Parameter.empty for _, _, default in given[len(names(promised)) :]), name


def test_the_clock_of_the_system_never_goes_back():
    clock = housekeeping.SystemClock()  # its methods are built in: they have no signature
    assert clock.seconds() <= clock.seconds()
    assert isinstance(clock.wall(), float)


@pytest.mark.parametrize("protocol", [Store, Clock, Scheduler, Worker])
def test_every_method_says_what_it_does(protocol):
    assert all(inspect.getdoc(function) for _, function in calls(protocol))


def test_services_are_a_value_that_nobody_changes():
    given = Services(
        store=NoStore(),
        clock=housekeeping.SystemClock(),
        worker=None,
        scheduler=None,
        redactor=Redactor(),
        lines=lambda file: file.write,
        facts={},
    )
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        given.store = None
    given.facts["mine"] = lambda: 1  # the one thing that plugins add to
    given.lines(file := io.BytesIO())(b"line\n")
    assert file.getvalue() == b"line\n"
    assert [field.name for field in attrs.fields(Services)] == [
        "store",
        "clock",
        "worker",
        "scheduler",
        "redactor",
        "lines",
        "facts",
        "life",
        "tell",
        "work",
        "either_form",
        "within",
        "acts",
        "page_token",
        "live",
        "notices",
        "shelves",
    ]


def test_there_is_no_logic_here():
    functions = [value for _, value in inspect.getmembers(services, inspect.isfunction)]
    assert [function for function in functions if function.__module__ == services.__name__] == []
