import pytest

from proxy_daemon.core.model import words


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What is the capital of France?", "Paris."),
        ("what's the CAPITAL of Brazil", "Brasília."),
        ("Say this is a test", "This is a test."),
        ("Please say: hola!", "Hola!"),
        ("What is 1+1?", "2."),
        ("7 * -6", "-42."),
        ("10 - 3.", "7."),
        ("3 x 4", "12."),
        ("Count to 3", "1, 2, 3."),
        ("count from 1 to 2, please", "1, 2."),
        ("Hi there", "Hello! 👋 How can I help?"),
    ],
)
def test_rules(text, answer):
    assert words.reply([text]) == answer


@pytest.mark.parametrize(
    "text", ["on 2025-01-01", "640x480", "1.5+1.5", "version 1-2", "Hello, now tell me all about the sea and the moon"]
)
def test_what_only_looks_like_a_rule_gets_a_sentence_that_quotes_it(text):
    assert words.quote(text) in words.reply([text])


def test_counting_is_bounded():
    assert words.reply(["count to 999999999"]).endswith(", 200.")


def test_remembers_what_was_said():
    assert words.reply(["My cat is called Ada.", "What did I say?"]) == "You said: “My cat is called Ada.”."


def test_alone_there_is_nothing_to_remember():
    assert not words.reply(["What did I say?"]).startswith("You said")


@pytest.mark.parametrize("texts", [[], [""], [" \n\t"]])
def test_silence_gets_an_answer(texts):
    assert words.reply(texts).startswith("You said nothing")


def test_equal_texts_get_equal_answers_and_choices_differ():
    answers = [words.reply(["Tell me about tea"], choice) for choice in range(len(words.SENTENCES))]
    assert len(set(answers)) == len(words.SENTENCES)
    assert answers == [words.reply(["Tell me about tea"], choice) for choice in range(len(words.SENTENCES))]


def test_some_sentences_need_utf8():
    assert (
        sum(not sentence.format(quote="").replace("“", "").replace("”", "").isascii() for sentence in words.SENTENCES)
        > 2
    )


@pytest.mark.parametrize(
    ("text", "size", "quoted"),
    [
        ("short", 10, "short"),
        ("  two\n words ", 20, "two words"),
        ("one two three", 9, "one two…"),
        ("x" * 50, 5, "xxxxx…"),
        ("a, b, c, d", 6, "a, b…"),
        ("a" + " " * 100 + "b", 5, "a…"),
        ("", 5, ""),
    ],
)
def test_quote(text, size, quoted):
    assert words.quote(text, size) == quoted


def test_braces_in_a_text_are_text():
    assert "{quote} {0}" in words.reply(["Explain {quote} {0} please"])


def test_results_are_quoted():
    assert words.reply_to_results(["18 °C", "rain"]) == "Here is what came back: 18 °C; rain"


def test_only_the_end_of_a_long_text_is_heard():
    assert words.reply(["capital of France " + "x" * words.HEARD]) != "Paris."
    assert words.reply(["x" * words.HEARD + " capital of France"]) == "Paris."
