"""What a test may ask of its cassette: the values, the layers, and errors that name the choices."""

from pathlib import Path

import pytest

from proxy_daemon.in_tests.asked import WrongArgument, asked, check_names, fail_on_of, mode_here
from proxy_daemon.in_tests.item import Settings, wanted
from proxy_daemon.in_tests.place import file_of_test

FILE = Path("/p/tests/test_chat.py")


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"match_on": "model, messages"}, "match_on", "model,messages"),
        ({"match_on": ["model", "messages"]}, "match_on", "model,messages"),
        ({"repeat": "random:7"}, "repeat", "random:7"),
        ({"on_error_response": "record"}, "on_error_response", "record"),
        ({"fail_on": "unused"}, "fail_on", ("unused",)),
        ({"fail_on": ("unused", "live")}, "fail_on", ("unused", "live")),
        ({"fail_on": "nothing"}, "fail_on", None),
        ({"fail_on": None}, "fail_on", ()),
        ({}, "fail_on", ()),
    ],
)
def test_values(given, field, value):
    assert getattr(asked(FILE, "once", **given), field) == value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "twice"}, "one of off, new_episodes, none, all, once"),
        ({"mode": ["all"]}, "one of off"),
        ({"match_on": 3}, "match_on: 3 is unknown"),
        ({"match_on": [3]}, "match_on"),
        ({"repeat": ""}, "sequence, exhaust"),
        ({"repeat": 7}, "sequence, exhaust"),
        ({"on_error_response": "cry"}, "skip, record, refuse"),
        ({"fail_on": "sun"}, "miss, unused, live"),
        ({"fail_on": 3}, "miss, unused, live"),
    ],
)
def test_wrong_ones(given, said):
    with pytest.raises(WrongArgument) as caught:
        asked(FILE, **({"mode": "once"} | given))
    assert said in str(caught.value)


def test_a_wrong_name_is_said_with_the_one_that_was_meant():
    with pytest.raises(WrongArgument, match=r"'modes': there are mode, .* fail_on; did you mean mode\?"):
        check_names({"modes": "all"})


@pytest.mark.parametrize(
    ("environ", "wished", "mode"),
    [
        ({}, None, "once"),
        ({"CI": "true"}, None, "none"),
        ({"CI": "false"}, None, "once"),
        ({"CI": "true"}, "new_episodes", "new_episodes"),
        ({"LLMPROXY_MODE": "all"}, "none", "all"),
        ({"LLMPROXY_MODE": " ", "CI": "1"}, None, "none"),
    ],
)
def test_the_layers_of_the_mode(environ, wished, mode):
    assert mode_here(environ, wished) == mode


def test_the_closest_marker_rules_and_the_others_add():
    markers = [((), {"repeat": "cycle"}), ((), {"repeat": "first", "match_on": "model", "cassette": "a.yaml"})]
    found = wanted((FILE, ["test_a"], ""), markers, Settings({}, fail_on="unused"))
    assert (found.repeat, found.match_on, found.fail_on) == ("cycle", "model", ("unused",))
    assert found.file == FILE.parent / "a.yaml"
    assert wanted((FILE, ["test_a"], ""), [((), {"fail_on": "nothing"})], Settings({}, "unused")).fail_on is None


def test_a_wrong_mode_is_wrong_also_where_it_is_overruled():
    with pytest.raises(WrongArgument):
        wanted((FILE, ["test_a"], ""), [((), {"mode": "x"})], Settings({"LLMPROXY_MODE": "all"}))


def test_settings_show_no_keys():
    assert "sk-own" not in repr(Settings({"OPENAI_API_KEY": "sk-own"}))


def test_nothing_is_one_word():
    with pytest.raises(WrongArgument):
        fail_on_of("fail_on", "nothing,unused")


@pytest.mark.parametrize("ours", [False, True])
def test_a_file_of_pytest_recording_answers_where_none_of_ours_is(tmp_path, ours):
    theirs, its_place = tmp_path / "cassettes/test_a/test_b[x y].yaml", (tmp_path / "test_a.py", ["test_b"], "x y")
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    place = file_of_test(*its_place)
    if ours:
        place.touch()
    assert wanted(its_place, [], Settings({})).file == (place if ours else theirs)


@pytest.mark.parametrize("parameters", ["x" * 1000, "\0", "\udcff"])
def test_a_name_that_no_file_can_have_is_looked_for_all_the_same(tmp_path, parameters):
    place = (tmp_path / "test_a.py", ["test_b"], parameters)
    assert wanted(place, [], Settings({})).file == file_of_test(*place)
