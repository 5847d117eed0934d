"""`--cassette-format` with a real daemon: what is recorded in other tools' formats is replayed, also by increment."""

import json

import pytest

from proxy_daemon.core.cassettes.formats import chosen, read

KEYS = ("sk-first0123456789abcdefABCDEF0123", "sk-other9876543210fedcbaFEDCBA9876")
PROMPTECHO = ("--cassette-format", "promptecho")
CHAT, JSON = "/v1/chat/completions", {"Content-Type": "application/json"}
ASGI_REPLAY = ("--cassette-format", "asgi-replay")


def status_of(answer):
    return answer[1]["Cache-Status"].removeprefix("llmproxy; ")


@pytest.fixture
def started(daemon):
    """A daemon on the built-in model."""
    return lambda mode, *options: daemon("--upstream", "demo:", "--mode", mode, *map(str, options))


@pytest.fixture
def recorded(started):
    """The bodies that a recording run of these chats gave."""

    def record(options, *texts, mode="once", **more):
        one = started(mode, *options)
        bodies = [one.chat(text, **more)[2] for text in texts]
        one.stop()
        return bodies

    return record


def entries(file):
    return list(read(file.name, file.read_bytes()))


class TestPromptecho:
    @pytest.fixture
    def options(self, tmp_path):
        return ("--cassette", tmp_path / "c" / "talk.yaml", *PROMPTECHO)

    def test_it_is_recorded_and_replayed(self, started, recorded, options):
        bodies = recorded(options, "one", "two")
        file = options[1]
        assert (chosen(file.name, file.read_bytes()).name, len(entries(file))) == ("promptecho", 2)
        again = started("none", *options)
        answers = [again.chat(text) for text in ("two", "one")]
        assert [status_of(answer) for answer in answers] == ["hit", "hit"]
        assert [json.loads(answer[2]) for answer in answers] == [json.loads(body) for body in bodies[::-1]]
        assert again.chat("three")[0] == 424

    def test_what_is_new_is_added_and_the_rest_stays(self, started, recorded, options):
        recorded(options, "one")
        one = started("new_episodes", *options)
        assert [status_of(one.chat(text)).partition(";")[0] for text in ("one", "two")] == ["hit", "fwd=miss"]
        one.stop()
        assert len(entries(options[1])) == 2

    def test_all_replaces_and_nothing_grows(self, recorded, options):
        recorded(options, "one", "two")
        recorded(options, "one", mode="all")
        assert len(entries(options[1])) == 2

    def test_once_forwards_nothing_any_more(self, started, recorded, options):
        recorded(options, "one")
        assert started("once", *options).chat("two")[0] == 424

    def test_a_key_is_not_in_it_and_another_finds_it(self, started, recorded, options):
        recorded(options, f"my key is {KEYS[0]}", headers={"Authorization": f"Bearer {KEYS[0]}"})
        assert KEYS[0].encode() not in options[1].read_bytes()
        assert status_of(started("none", *options).chat(f"my key is {KEYS[1]}")) == "hit"

    @pytest.mark.parametrize("mode", ["once", "none"])
    def test_what_is_written_in_other_words_is_found_by_its_keys(self, started, options, mode):
        """The format has the words of the system apart, and none for `user`."""
        asked = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one"}]
        body = json.dumps({"model": "demo-fast", "user": "u-1", "messages": asked}).encode()
        one = started("once", *options)
        first = one.request("POST", CHAT, body, JSON)
        one.stop()
        again = started(mode, *options).request("POST", CHAT, body, JSON)
        assert (status_of(again), json.loads(again[2])) == ("hit", json.loads(first[2]))

    def test_in_a_directory(self, started, tmp_path):
        options, path = ("--cassette-dir", tmp_path / "c", *PROMPTECHO), "/_llmproxy/cassette/first/v1/chat/completions"
        one = started("once", *options)
        one.chat("a", path=path)
        one.stop()
        assert chosen("", (tmp_path / "c" / "first.yaml").read_bytes()).name == "promptecho"
        again = started("none", *options)
        assert (status_of(again.chat("a", path=path)), again.chat("b", path=path)[0]) == ("hit", 424)

    def test_without_the_option_it_says_how_to_go_on(self, started, recorded, options):
        recorded(options, "one")
        with pytest.raises(AssertionError, match="record into it with --cassette-format promptecho, use mode none"):
            started("new_episodes", *options[:2])

    def test_a_cassette_of_ours_is_none_of_it(self, started, recorded, options):
        recorded(options[:2], "one")
        before = options[1].read_bytes()
        with pytest.raises(AssertionError, match=r"talk\.yaml: no cassette of promptecho"):
            started("new_episodes", *options)
        assert options[1].read_bytes() == before


class TestAsgiReplay:
    def test_answers_come_back_in_their_order(self, started, recorded, tmp_path):
        options = ("--cassette", tmp_path / "log.json", *ASGI_REPLAY)
        bodies = recorded(options, "one", "two")
        assert chosen("", (tmp_path / "log.json").read_bytes()).name == "asgi-replay"
        again = started("none", *options)
        assert [again.chat("whatever")[2] for _ in range(2)] == bodies

    def test_one_file_for_each_exchange(self, started, recorded, tmp_path):
        options = ("--cassette", tmp_path / "log.json", *ASGI_REPLAY, "--increment")
        bodies = recorded(options, "one", "two")
        assert sorted(file.name for file in tmp_path.glob("*.json")) == ["log-0.json", "log-1.json"]
        again = started("once", *options)
        assert [again.chat("whatever")[2] for _ in range(2)] == bodies

    @pytest.mark.parametrize("more", [(), ("--increment",)], ids=["one file", "one each"])
    def test_in_a_directory(self, started, tmp_path, more):
        options = ("--cassette-dir", tmp_path / "c", *ASGI_REPLAY, *more)
        one = started("once", *options)
        body = one.chat("a", headers={"X-LLMProxy-Cassette": "first"})[2]
        one.stop()
        names = [file.name for file in (tmp_path / "c").glob("*.json")]
        assert names == (["first-0.json"] if more else ["first.json"])
        again = started("none", *options)
        assert again.chat("b", headers={"X-LLMProxy-Cassette": "first"})[2] == body


@pytest.mark.parametrize("form", ["llmproxy", "promptecho"])
def test_increment_belongs_to_one_format(started, tmp_path, form):
    with pytest.raises(AssertionError, match="--increment: one file for each exchange"):
        started("once", "--cassette-dir", tmp_path, "--cassette-format", form, "--increment")


@pytest.mark.parametrize("form", ["promptecho", "asgi-replay"])
def test_what_the_format_cannot_read_is_an_error_with_the_file(started, tmp_path, form):
    (tmp_path / "x.txt").write_text("a: [\n")
    with pytest.raises(AssertionError, match=r"x\.txt"):
        started("none", "--cassette", tmp_path / "x.txt", "--cassette-format", form)
    assert (tmp_path / "x.txt").read_text() == "a: [\n"


class TestServedAsTheyAre:
    """Files of other tools without `--cassette-format`."""

    @pytest.fixture
    def file(self, tmp_path):
        """Seven entries that are no exchanges of HTTP, and one that is, though no API answers so."""
        request = {"method": "POST", "uri": f"https://api.openai.com{CHAT}", "body": '{"model":"m","messages":[]}'}
        request["headers"] = {"Content-Type": ["application/json"]}
        response = {"status": {"code": 503, "message": "no"}, "headers": {}, "body": {"string": "<html>busy</html>"}}
        tunnel = {"request": request | {"method": "CONNECT"}, "response": response}
        path = tmp_path / "c.yaml"
        path.write_text(json.dumps({"interactions": [*[tunnel] * 7, {"request": request, "response": response}]}))
        return path

    def test_what_is_not_served_is_told_and_the_rest_is_served(self, daemon, file):
        one = daemon("--mode", "none", "--cassette", str(file))
        assert one.request("POST", CHAT, b'{"model":"m","messages":[]}', JSON)[::2] == (503, b"<html>busy</html>")
        one.stop()
        one.reader.join()
        said = [line for line in b"".join(one.said).decode().splitlines() if f" {file}: " in line]
        assert [line.partition(f"{file}: ")[2].partition(": CONNECT")[0] for line in said] == [
            *(f"its entry {number} is not served" for number in range(5)),
            "2 more of its entries are not served",
        ]
