"""Cassettes with a real daemon: the modes as the design's table has them, names, two keys, and what goes wrong."""

import json
import urllib.parse

import pytest

KEYS = ("sk-first0123456789abcdefABCDEF0123", "sk-other9876543210fedcbaFEDCBA9876")
PAGE = "/_llmproxy/api/cassettes"


def status_of(answer):
    return answer[1]["Cache-Status"].removeprefix("llmproxy; ")


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "c" / "talk.yaml"


def recorded(daemon, cassette, *texts, mode="once", **more):
    """The bodies that a recording run of these chats gave."""
    one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", mode)
    bodies = [one.chat(text, **more)[2] for text in texts]
    one.stop()
    return bodies


class TestModes:
    def test_once_records_what_is_new_and_then_only_replays(self, daemon, cassette):
        bodies = recorded(daemon, cassette, "one", "two")
        again = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "once")
        assert [again.chat(text)[2] for text in ("two", "one")] == bodies[::-1]
        status, headers, body = again.chat("three")
        assert (status, headers["x-should-retry"]) == (424, "false")
        assert '/ incoming "three"' in json.loads(body)["error"]["message"]

    def test_equal_requests_of_one_run_become_a_sequence(self, daemon, cassette):
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "new_episodes")
        assert all(status_of(one.chat("hi")).startswith("fwd=miss") for _ in range(3))
        one.stop()
        assert cassette.read_text().count("\n---\n") >= 3
        again = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "none")
        assert {status_of(again.chat("hi")) for _ in range(3)} == {"hit"}

    def test_new_episodes_answers_what_was_there_and_appends_the_rest(self, daemon, cassette):
        recorded(daemon, cassette, "one")
        before = cassette.read_bytes()
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "new_episodes")
        assert status_of(one.chat("one")) == "hit"
        assert status_of(one.chat("two")).startswith("fwd=miss")
        one.stop()
        assert cassette.read_bytes().startswith(before)
        assert len(cassette.read_bytes()) > len(before)

    def test_off_does_not_touch_it(self, daemon, cassette):
        recorded(daemon, cassette, "one", mode="off")
        assert not cassette.exists()

    def test_all_replaces_what_was_asked_again_and_nothing_else(self, daemon, cassette):
        recorded(daemon, cassette, "one", "two")
        recorded(daemon, cassette, "one", mode="all")
        again = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "none")
        assert [status_of(again.chat(text)) for text in ("one", "two")] == ["hit", "hit"]

    def test_other_methods_and_no_cache_are_answered_from_it_too(self, daemon, cassette):
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "new_episodes")
        listed = one.request("GET", "/v1/models")[2]
        one.stop()
        again = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "new_episodes")
        answer = again.request("GET", "/v1/models", headers={"Cache-Control": "no-cache"})
        assert (status_of(answer), answer[2]) == ("hit", listed)

    def test_once_needs_a_cassette(self, daemon):
        with pytest.raises(AssertionError, match="--cassette-dir"):
            daemon("--upstream", "demo:", "--mode", "once")


class TestKeys:
    def test_two_runs_with_two_keys_give_one_cassette(self, daemon, tmp_path):
        texts = []
        for number, key in enumerate(KEYS):
            file = tmp_path / f"{number}.yaml"
            headers = {"Authorization": f"Bearer {key}", "api-key": key}
            recorded(daemon, file, f"my key is {key}", headers=headers)
            texts.append([line for line in file.read_text().splitlines() if "recorded" not in line])
            assert key not in file.read_text()
        assert len(texts[0]) == len(texts[1])

    def test_what_one_key_recorded_answers_another(self, daemon, cassette):
        recorded(daemon, cassette, f"my key is {KEYS[0]}", headers={"Authorization": f"Bearer {KEYS[0]}"})
        again = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "none")
        answer = again.chat(f"my key is {KEYS[1]}", headers={"Authorization": f"Bearer {KEYS[1]}"})
        assert status_of(answer) == "hit"

    def test_the_history_has_all_of_it_and_no_key(self, daemon, cassette, tmp_path):
        one = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "once")
        one.chat(f"my key is {KEYS[0]}", headers={"Authorization": f"Bearer {KEYS[0]}"})
        assert len(one.exchanges()) == 1
        one.stop()
        assert not [file for file in tmp_path.rglob("*") if file.is_file() and KEYS[0].encode() in file.read_bytes()]


class TestNames:
    def test_by_path_and_by_field(self, daemon, tmp_path):
        options = ("--upstream", "demo:", "--cassette-dir", str(tmp_path / "c"), "--mode")
        one = daemon(*options, "once")
        body = one.chat("a", path="/_llmproxy/cassette/first/v1/chat/completions")[2]
        one.chat("b", headers={"X-LLMProxy-Cassette": "second"})
        one.stop()
        assert sorted(file.name for file in (tmp_path / "c").glob("*.yaml")) == ["first.yaml", "second.yaml"]
        again = daemon(*options, "none")
        assert again.chat("a", headers={"X-LLMProxy-Cassette": "first"})[2] == body
        assert again.chat("b", path="/_llmproxy/cassette/second/_llmproxy/to/default/v1/chat/completions")[0] == 200
        assert again.chat("a", headers={"X-LLMProxy-Cassette": "second"})[0] == 424
        again.settle()
        for name, count in (("^first$", 2), ("second", 3), ("third", 0)):
            found = again.get(f"/_llmproxy/api/exchanges?q={urllib.parse.quote(f'~cassette {name}')}")
            assert [row["cassette"] for row in found["exchanges"]] == [name.strip("^$")] * count

    @pytest.mark.parametrize(
        ("name", "status"), [("../x", 400), ("a/b", 400), (".hidden", 400), ("a" * 300, 400), ("a b", 400)]
    )
    def test_a_name_that_would_leave_the_directory(self, daemon, tmp_path, name, status):
        one = daemon("--upstream", "demo:", "--cassette-dir", str(tmp_path / "c"))
        assert one.chat("a", headers={"X-LLMProxy-Cassette": name})[0] == status
        quoted = urllib.parse.quote(name, safe="")
        assert one.chat("a", path=f"/_llmproxy/cassette/{quoted}/v1/chat/completions")[0] in (400, 404)
        assert not (tmp_path / "x.yaml").exists()

    def test_without_a_directory_none_can_be_named(self, daemon):
        status, _, body = daemon("--upstream", "demo:").chat("a", headers={"X-LLMProxy-Cassette": "x"})
        assert (status, "--cassette-dir" in json.loads(body)["error"]["message"]) == (400, True)

    def test_two_names_in_one_request(self, daemon, tmp_path):
        one = daemon("--upstream", "demo:", "--cassette-dir", str(tmp_path / "c"))
        path = "/_llmproxy/cassette/first/v1/chat/completions"
        assert one.chat("a", path=path, headers={"X-LLMProxy-Cassette": "second"})[0] == 400


class TestBound:
    def bind(self, one, **parameters):
        status, _, body = one.change("PUT", f"{PAGE}?{urllib.parse.urlencode(parameters)}")
        return status, json.loads(body)

    def test_a_file_for_as_long_as_a_test_runs(self, daemon, tmp_path):
        one, file = daemon("--upstream", "demo:"), tmp_path / "t.yaml"
        assert self.bind(one, name="t", file=file, mode="once") == (200, {"mode": "once", "forwards": True})
        path = "/_llmproxy/cassette/t/v1/chat/completions"
        body = one.chat("a", path=path)[2]
        one.change("DELETE", f"{PAGE}?name=t")
        assert one.chat("a", path=path)[0] == 400
        assert self.bind(one, name="t", file=file, mode="once") == (200, {"mode": "once", "forwards": False})
        assert one.chat("a", path=path, headers={"X-LLMProxy-Session": "s"})[2] == body
        said = one.get("/_llmproxy/api/verdict?session=s&cassette=t")["sessions"][0]
        assert (said["hits"], said["unused"]["count"]) == (1, 0)

    def test_each_has_its_own_rules(self, daemon, tmp_path):
        one = daemon("--upstream", "demo:")
        self.bind(one, name="t", file=tmp_path / "t.yaml", mode="new_episodes", match_on="model", repeat="first")
        path = "/_llmproxy/cassette/t/v1/chat/completions"
        one.chat("a", path=path)
        one.change("DELETE", f"{PAGE}?name=t")
        self.bind(one, name="t", file=tmp_path / "t.yaml", mode="none", match_on="model")
        assert status_of(one.chat("quite another", path=path)) == "hit"

    @pytest.mark.parametrize(
        ("parameters", "said"),
        [
            ({"name": "t", "file": "relative.yaml"}, "absolute"),
            ({"name": "a/b", "file": "/t.yaml"}, "name"),
            ({"name": "t", "file": "/t.yaml", "mode": "never"}, "once"),
            ({"name": "t", "file": "/t.yaml", "repeat": "thrice"}, "sequence"),
            ({"name": "t", "file": "/t.yaml", "match_on": "a b"}, "request"),
            ({"name": "t", "file": "/t.yaml", "on_error_response": "cry"}, "refuse"),
            ({"name": "t", "file": "/t.yaml", "modes": "all"}, "modes"),
        ],
    )
    def test_what_is_wrong_is_named_with_the_choices(self, daemon, parameters, said):
        status, answer = self.bind(daemon("--upstream", "demo:"), **parameters)
        assert (status, said in answer["error"]) == (400, True)


class TestDamage:
    def test_a_damaged_one_stops_the_start_and_says_where(self, daemon, cassette):
        recorded(daemon, cassette, "one", "two")
        text = cassette.read_text()
        cassette.write_text(text.replace("\n---\n", "\n---\n<<<<<<< mine\n", 1))
        with pytest.raises(AssertionError, match=r"talk\.yaml:\d+: "):
            daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "none")
        tolerant = daemon("--upstream", "demo:", "--cassette", str(cassette), "--mode", "none", "--tolerate-damage")
        assert sorted(tolerant.chat(text)[0] for text in ("one", "two")) == [200, 424]
