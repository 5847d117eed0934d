"""Stores of any size as agents, services and people fill them, and questions that are near to something in them."""

import json
from random import Random

import orjson
from near_bases import BASES, CHAT, HANDBOOK, MESSAGES, NOW, SEARCH, TODAY, WEATHER, chat, messages
from near_edits import LARGE, SMALL

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.messages import Request

SYLLABLES = ["ka", "lo", "mi", "ren", "tus", "va", "der", "qui", "son", "bel", "tra", "nim", "os", "fer", "gal", "ith"]
TOPICS = [
    "invoices",
    "gardens",
    "rockets",
    "markets",
    "novels",
    "engines",
    "rivers",
    "schools",
    "viruses",
    "bridges",
    "glaciers",
    "taxes",
    "fonts",
]
ASKED = ["What is known about", "Explain", "Give me three facts on", "Who invented", "Summarise the history of"]
COMMON = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "that",
    "is",
    "was",
    "for",
    "on",
    "with",
    "as",
    "by",
    "at",
    "from",
    "are",
    "this",
    "be",
    "it",
    "not",
    "which",
    "or",
    "have",
    "an",
    "they",
    "one",
]


def request(path, body):
    """As it reaches the daemon."""
    return Request(b"POST", path, body=Bytes(orjson.dumps(body)))


def dialect_of(asked):
    """Of a request."""
    return recognise(asked, BUILT_IN)


class Words:
    """Texts of a language of our own, the common words often, the rest rarely."""

    def __init__(self, seed):
        random = Random(seed)
        self._rare = ["".join(random.choices(SYLLABLES, k=random.randint(1, 4))) for _ in range(3000)]

    def text(self, random, count):
        """So many words."""
        return " ".join(random.choice(COMMON if random.random() < 0.45 else self._rare) for _ in range(count))


def _question(words, random):
    return CHAT, chat(f"{random.choice(ASKED)} {random.choice(TOPICS)} and {words.text(random, random.randint(2, 9))}?")


def _with_system(words, random):
    path, api = random.choice([(CHAT, chat), (MESSAGES, messages)])
    return path, api(words.text(random, random.randint(5, 40)), random.choice([TODAY, NOW, HANDBOOK * 3]))


def _templated(words, random):
    """What is asked stands in the middle of a long text that all of them share."""
    asked = words.text(random, random.randint(2, 8))
    return CHAT, chat(f"{HANDBOOK * 4}\n\nThe case: {asked}\n\n{HANDBOOK * 2} Decide it and give your reasons.")


def _rag(words, random):
    passages = "\n\n".join(words.text(Random(random.randrange(40)), 150) for _ in range(5))
    return CHAT, chat(f"Answer from these passages only.\n\n{passages}\n\nQuestion: {words.text(random, 9)}?", TODAY)


def _long(words, random):
    return MESSAGES, messages(f"Summarise:\n\n{words.text(random, 1200)}", TODAY)


def _conversation(words, random):
    """One of some agents' runs at one of its turns: the turns before are the same in all of the run's recordings."""
    run = Random(f"run {random.randrange(60)}")
    body = chat(f"Task: {words.text(run, 30)}", NOW, [SEARCH, WEATHER], temperature=0)
    for turn in range(random.randrange(12)):
        call = {"name": "search_files", "arguments": json.dumps({"pattern": words.text(run, 2), "limit": turn})}
        call = {"id": f"call_{random.randrange(10**9)}", "type": "function", "function": call}
        body["messages"].append({"role": "assistant", "content": None, "tool_calls": [call]})
        found = {"role": "tool", "tool_call_id": call["id"], "content": words.text(run, 120)}
        body["messages"].append(found)
    return CHAT, body


def _edited(words, random):
    base = random.choice(BASES)
    body = random.choice([*SMALL.values(), *LARGE.values()])(base, random)
    return base.path, body or base.around(base.text)


KINDS = {_question: 5, _with_system: 4, _rag: 2, _templated: 2, _long: 1, _conversation: 5, _edited: 2}


def mix(count, seed=0):
    """So many requests of all kinds."""
    random, words = Random(f"mix {seed}"), Words(0)
    return [request(*random.choices(list(KINDS), KINDS.values())[0](words, random)) for _ in range(count)]


def near(recorded, random):
    """A request that differs a little from the recorded one: words of one of its texts, or one of its members."""
    body = json.loads(recorded.body.data)
    held = [each for name in ("messages", "contents", "input") for each in body.get(name, ()) if _text_at(each)]
    kind = random.choice(["word", "word", "words", "parameter", "turn"]) if held else "parameter"
    if kind == "parameter":
        body["temperature"] = round(random.random(), 3)
    elif kind == "turn":
        body.get("messages", body.get("contents", body.get("input"))).append(held[0])
    else:
        _change(random.choice(held), random, 1 if kind == "word" else 4)
    return request(recorded.path, body)


def unlike(random):
    """A question like nothing in the store: of another language."""
    made = random.choice([_question, _with_system, _rag, _templated, _long])
    return request(*made(Words(5), random))


def turn(random):
    """Of an agent's run, one of its turns, with ids of its own."""
    return request(*_conversation(Words(0), random))


def asked(store, count):
    """(kind, request) of so many questions of all kinds."""
    random = Random(77)
    for number in range(count):
        kind = ("edit", "edit", "unlike", "turn")[number % 4]
        yield (
            kind,
            near(random.choice(store), random)
            if kind == "edit"
            else unlike(random)
            if kind == "unlike"
            else turn(random),
        )


def _text_at(message):
    return isinstance(message.get("content"), str)


def _change(message, random, count):
    words = message["content"].split(" ")
    for _ in range(count):
        words[random.randrange(len(words))] = random.choice(SYLLABLES)
    message["content"] = " ".join(words)
