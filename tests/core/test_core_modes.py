"""The table of modes, as the design has it: what each looks up, forwards, keeps and replaces."""

import pytest

from proxy_daemon.core.modes import MODES, looks_up

#    mode            forwards keeps replaces
DOES = [
    ("off", True, False, False),
    ("new_episodes", True, True, False),
    ("none", False, False, False),
    ("all", True, True, True),
]
#    mode            generates no_cache looks_up
LOOKS_UP = [
    ("off", True, False, False),
    ("off", False, False, False),
    ("off", True, True, False),
    ("new_episodes", True, False, True),
    ("new_episodes", False, False, False),
    ("new_episodes", True, True, False),
    ("new_episodes", False, True, False),
    ("none", True, False, True),
    ("none", False, False, True),
    ("none", True, True, True),
    ("none", False, True, True),
    ("all", True, False, False),
    ("all", False, False, False),
    ("all", True, True, False),
]


@pytest.mark.parametrize(("name", "forwards", "keeps", "replaces"), DOES)
def test_each_mode_does_what_the_design_says(name, forwards, keeps, replaces):
    mode = MODES[name]
    assert (mode.name, mode.forwards, mode.keeps, mode.replaces) == (name, forwards, keeps, replaces)


@pytest.mark.parametrize(("name", "generates", "no_cache", "expected"), LOOKS_UP)
def test_what_is_looked_up(name, generates, no_cache, expected):
    assert looks_up(MODES[name], generates, no_cache) is expected


def test_there_are_no_other_modes():
    assert sorted(MODES) == sorted(name for name, *_ in DOES)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_no_mode_contradicts_itself(mode):
    assert mode.forwards or mode.looks_up, "a request would have no answer at all"
    assert mode.forwards or not mode.keeps, "there would be nothing to keep"
    assert mode.keeps or not mode.replaces, "an old answer would go with no new one kept"


def test_the_table_does_not_change_while_running():
    with pytest.raises(AttributeError):
        MODES["none"].forwards = True
