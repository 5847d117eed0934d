"""Edits with names: small ones, behind which the recorded answer still answers, and others, behind which it does not.

Each gives the body of the edited request, or None where the base has nothing to edit so. Random by the generator given.
"""

import json
import re
from datetime import date, timedelta

WORD = re.compile(r"[^\W\d_]{5,}")
LETTERS = "abcdefghijklmnoprstuvwy"
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DENYING = [(" is ", " is not "), (" do ", " do not "), (" does ", " does not "), (" with ", " without ")]
DENYING += [
    (" must ", " must never "),
    (" will ", " will not "),
    (" I take ", " I not take "),
    (" moves ", " never moves "),
]
DENYING += [
    ("Please ", "Please do not "),
    ("Write ", "Never write "),
    ("Suggest ", "Do not suggest "),
    (" and ", " but not "),
]
DENYING += [(" eine ", " keine "), (" avec ", " sans "), (" para ", " sin "), (" кажется ", " не кажется ")]
DENYING += [(" dobrym ", " nie dobrym "), (" for ", " except for "), (" the ", " none of the ")]
OTHERS = {
    "people": "dogs",
    "capital": "anthem",
    "customer": "landlord",
    "days": "years",
    "team": "board",
    "quiet": "noisy",
}
OTHERS |= {"simple": "fancy", "function": "program", "fails": "works", "short": "long", "correctly": "wrongly"}


def _typo(text, random):
    found = random.choice(list(WORD.finditer(text)))
    word = found.group()
    while (wrong := _mistyped(word, random)) == word:
        pass
    return text[: found.start()] + wrong + text[found.end() :]


def _mistyped(word, random):
    """A letter left out, doubled, wrong, or two exchanged: anywhere but at the beginning, mostly within."""
    at = random.randrange(1, len(word) - 1) if random.random() < 0.85 else len(word) - 1
    kind = random.choice(["left out", "doubled", "wrong", "exchanged"])
    if kind == "left out":
        return word[:at] + word[at + 1 :]
    if kind == "doubled":
        return word[: at + 1] + word[at:]
    if kind == "wrong":
        return word[:at] + random.choice(LETTERS) + word[at + 1 :]
    return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]


def _spacing(text, random):
    at = random.choice([found.start() for found in re.finditer(" ", text)] or [0])
    return random.choice(
        [text[:at] + " " + text[at:], text + "\n", " " + text, text + "  ", text[:at] + "\n" + text[at + 1 :]]
    )


def _spacing_wide(text, random):
    at = random.randrange(1, len(text) - 1)
    return random.choice([text[:at] + " " + text[at:], text + "\n", " " + text])


def _digit(text, random):
    found = random.choice(list(re.finditer(r"\d", text)))
    other = str((int(found.group()) + random.randrange(1, 9)) % 10)
    return text[: found.start()] + other + text[found.end() :]


def _negation(text, random):
    fitting = [pair for pair in DENYING if pair[0] in text]
    return text.replace(*random.choice(fitting), 1) if fitting else None


def _word(text, random):
    fitting = [word for word in OTHERS if word in text.split()]
    if fitting:
        word = random.choice(fitting)
        return text.replace(word, OTHERS[word], 1)
    words = text.split(" ")
    words[random.randrange(1, len(words))] = "penguin"
    return " ".join(words)


def _order(text, random):
    words = text.split(" ")
    at = random.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words) if " ".join(words) != text else None


def _left_out(text, random):
    words = text.split(" ")
    del words[random.randrange(len(words))]
    return " ".join(words)


def _sentence(text, random):
    return f"{text} {random.choice(['Answer in French.', 'Be brief.', 'Then stop.', 'Use a table.'])}"


def _case(text, random):
    return text.upper()


def _of_text(change):
    return lambda base, random: None if (text := change(base.text, random)) is None else base.around(text)


def _of_body(change):
    """An edit of the parsed body, in place; nothing where it finds nothing."""

    def edited(base, random):
        body = json.loads(json.dumps(base.around(base.text)))
        return body if change(base, body, random) is not False else None

    return edited


def _date(base, random):
    """The same request on another day."""
    if not base.stamped:
        return None
    day = date.fromisoformat(DATE.search(base.stamped).group()) + timedelta(days=random.randrange(1, 300))
    fresh = DATE.sub(day.isoformat(), base.stamped)
    return json.loads(json.dumps(base.around(base.text)).replace(base.stamped, fresh))


def _definition(body, random):
    tool = random.choice(body["tools"])
    return tool.get("function", tool)


def _tool(base, body, random):
    if not base.tools:
        return False
    tool = _definition(body, random)
    random.choice(
        [
            lambda: tool.update(name=tool["name"] + "s"),
            lambda: tool.update(description=tool["description"].replace("a ", "the ", 1)),
            body["tools"].pop,
            lambda: body["tools"].append(body["tools"][0]),
        ]
    )()
    return True


def _schema(base, body, random):
    if not base.tools:
        return False
    tool = _definition(body, random)
    schema = tool.get("input_schema") or tool["parameters"]
    name = random.choice(list(schema["properties"]))
    random.choice(
        [
            lambda: schema["properties"][name].update(type="number"),
            lambda: schema.update(required=list(schema["properties"])),
            lambda: schema["properties"].pop(name),
            lambda: schema["properties"][name].update(description="Of the user"),
        ]
    )()
    return True


def _model(base, body, random):
    if "model" not in body:
        return False
    body["model"] = random.choice([body["model"] + "-latest", body["model"][:-1], "gpt-4.1"])
    return True


def _parameter(base, body, random):
    body.update(random.choice([{"temperature": 0.7}, {"seed": 7}, {"stop": ["\n"]}, {"top_p": 0.1}]))


def _message(base, body, random):
    """Another turn."""
    name = next(name for name in ("messages", "contents", "input") if name in body)
    body[name].append({**body[name][0], "role": "user"})


SMALL = {"typo": _of_text(_typo), "spacing": _of_text(_spacing), "date": _date}
LARGE = {
    "digit": _of_text(_digit),
    "negation": _of_text(_negation),
    "tool": _of_body(_tool),
    "schema": _of_body(_schema),
    "model": _of_body(_model),
    "word": _of_text(_word),
    "order": _of_text(_order),
    "left out": _of_text(_left_out),
    "sentence": _of_text(_sentence),
    "capitals": _of_text(_case),
    "parameter": _of_body(_parameter),
    "message": _of_body(_message),
}
WIDE = {"spacing": _of_text(_spacing_wide), "digit": LARGE["digit"]}
