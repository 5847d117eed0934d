"""Made-up conversations for the screenshots: what is asked, and what the upstream of `screenshots.py` answers.

Nothing here was ever said by a person or a model.
"""
# ruff: noqa: INP001  (it lies beside its script)

from typing import Any

LIGHTHOUSE = """Three things decide how far a lighthouse is seen:

| what | by how much | note |
|---|---|---|
| height of the lamp | `3.57 * sqrt(h)` km | the horizon, `h` in metres |
| height of your eye | the same, added | a deck of 4 m gives 7 km |
| clarity of the air | 1 to 30 km | haze halves it often |

So a lamp at **40 m**, seen from a deck of **4 m**:

```python
from math import sqrt

def seen_from(lamp: float, eye: float) -> float:
    \"\"\"Kilometres, in clear air.\"\"\"
    return 3.57 * (sqrt(lamp) + sqrt(eye))

print(round(seen_from(40, 4), 1))  # 29.7
```

Light bends a little along the earth: add 8 % on a calm, cool evening.
"""
THOUGHT = (
    "They ask for a distance. The horizon's distance grows with the square root of the height, and both heights count. "
    "A table and a short function say it best; haze should be named, as it decides more often than the horizon does."
)
HARBOUR = "You look after the harbour's little programs. Be brief. Read before you write; run what you wrote."
READ = {
    "name": "read_file",
    "description": "Reads a file of the project.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}
RUN = {
    "name": "run_tests",
    "description": "Runs the tests whose names match.",
    "input_schema": {"type": "object", "properties": {"match": {"type": "string"}}},
}
SOURCE = """def high_water(day):
    \"\"\"When the water is highest, as (hour, minute).\"\"\"
    minutes = FIRST + day * 50.47
    return divmod(int(minutes) % 1440, 60)
"""
FAILED = """tests/test_tides.py F.
>   assert high_water(1) == (4, 58)
E   assert (4, 57) == (4, 58)
1 failed, 1 passed in 0.03s"""
ASKED = "The second high tide of the day is missing in `tides.py`. Add it, and tell me why the test is a minute off."
TOLD = """The minute is lost by **cutting instead of rounding**: `int(297.97)` is 297.

- `high_water` rounds now, so day 1 gives 04:58;
- `high_waters(day)` gives both tides, 12 h 25 min apart.

```python
def high_waters(day):
    \"\"\"Both high tides of a day, as (hour, minute).\"\"\"
    first = FIRST + day * 50.47
    return [divmod(round(each) % 1440, 60) for each in (first, first + 745.24)]
```

Both tests pass."""


def use(number: int, name: str, **given: str) -> dict[str, Any]:
    """The model's call of a tool."""
    return {"type": "tool_use", "id": f"toolu_{number:02}", "name": name, "input": given}


def result(number: int, text: str, **more: bool) -> dict[str, Any]:
    """What came of it."""
    part = {"type": "tool_result", "tool_use_id": f"toolu_{number:02}", "content": text} | more
    return {"role": "user", "content": [part]}


FIRST_TURN = [{"role": "user", "content": ASKED}]
SECOND_TURN = [
    *FIRST_TURN,
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "I read it first."}, use(1, "read_file", path="tides.py")],
    },
    result(1, SOURCE),
]
THIRD_TURN = [
    *SECOND_TURN,
    {"role": "assistant", "content": [use(2, "run_tests", match="tides")]},
    result(2, FAILED, is_error=True),
]
AGENT = [
    (FIRST_TURN, [{"type": "text", "text": "I read it first."}, use(1, "read_file", path="tides.py")]),
    (SECOND_TURN, [use(2, "run_tests", match="tides")]),
    (THIRD_TURN, [{"type": "text", "text": TOLD}]),
]
# each: model, session, what is asked, what is answered
SHORT = [
    (
        "lab-large",
        "harbour-log",
        "Sum up yesterday's harbour log in two sentences.",
        "Eleven ships came in, nine left. Fog held two back until noon.",
    ),
    ("lab-small", "", "Translate to French: the quay is closed for repairs.", "Le quai est fermé pour travaux."),
    ("lab-large", "weather", "How many knots are 12 metres a second?", "About 23.3 knots."),
    ("lab-large", "harbour-log", "List the ships that left before sunrise, oldest first.", "Tern, Heron, Sandpiper."),
    ("lab-small", "", "Translate to French: the ferry leaves at six.", "Le ferry part à six heures."),
    ("lab-small", "", "Translate to French: the last ferry is late.", "Le dernier ferry est en retard."),
    (
        "lab-small",
        "",
        "Translate to German: mind the gap between boat and quay.",
        "Achten Sie auf den Spalt zwischen Boot und Kai.",
    ),
    (
        "lab-large",
        "harbour-log",
        "Which ships waited longer than three hours?",
        "The Petrel (3 h 40 min) and the Anna Maria (5 h 5 min).",
    ),
    (
        "lab-large",
        "weather",
        "Is a wind of 7 Beaufort safe for a boat of 8 metres?",
        "No: 7 is near gale. Stay in the harbour, double the lines.",
    ),
    ("lab-small", "labels", "One word, calm or rough: waves of 3 metres, swell from the west.", "rough"),
    ("lab-small", "labels", "One word, calm or rough: a mirror, not a breath of wind.", "calm"),
    ("lab-small", "labels", "One word, calm or rough: short steep waves, white crests.", "rough"),
    (
        "lab-large",
        "weather",
        "Write the shipping forecast for Tuesday as a haiku.",
        "Low moves to the east,\nrain at times, later clearing -\ngulls wait on the quay.",
    ),
    (
        "lab-large",
        "",
        "What does a red light on the port side of a ship tell?",
        "You see her left side: she crosses from right to left, and you keep clear.",
    ),
    ("lab-small", "labels", "One word, calm or rough: fog, and the bell buoy silent.", "calm"),
]
AGAIN = (1, 9, 10)  # of SHORT: asked twice, so that there are hits
CHANGED = "Which ships waited longer than two hours?"
TIDE = "Explain to a child why there are two tides a day. Then to a sailor."
DISTANCE = "How far is a lighthouse of 40 metres seen from a small boat? With a formula, please."
