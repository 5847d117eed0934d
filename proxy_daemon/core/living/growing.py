"""What is new in an answer that grows: the difference between two of its states, as the page gets it.

States are what JSON has of an answer (`core/inspecting/plain.py`). A change is one of

    {"choice": 0, "part": 1, "append": "text"}    behind the part's text, or a tool call's arguments
    {"choice": 0, "part": 2, "value": {...}}      a new part, or another in its place
    {"choice": 0, "value": {"finish": ...}}       a choice's other members; of a new one, which has no parts yet
    {"value": {"model": ...}}                     the answer's other members

Invariant: `grown(old, changes(old, new)) == new`. Called by `living/watching.py`, and by whoever shows answers as they
come.
"""

from __future__ import annotations

from typing import Any

Change = dict[str, Any]
State = dict[str, Any]


def grows_in(part: State) -> str:
    """The member to which `append` is added."""
    return "arguments" if part.get("type") == "ToolCall" else "text"


def changes(old: State, new: State) -> list[Change] | None:
    """From one state to a later one; None where something has gone: then the whole answer has to be told anew."""
    before, after = old["choices"], new["choices"]
    if len(after) < len(before):
        return None
    found: list[Change] = []
    for number, choice in enumerate(after):
        more = _of_choice(number, before[number] if number < len(before) else None, choice)
        if more is None:
            return None
        found += more
    rest = _others(new, "choices")
    return found if rest == _others(old, "choices") else [*found, {"value": rest}]


def _of_choice(number: int, old: State | None, new: State) -> list[Change] | None:
    before, rest = (old["parts"] if old else []), _others(new, "parts")
    if len(new["parts"]) < len(before):
        return None
    found: list[Change] = [] if old and rest == _others(old, "parts") else [{"choice": number, "value": rest}]
    for at, part in enumerate(new["parts"]):
        if at >= len(before):
            found.append({"choice": number, "part": at, "value": part})
        elif part != before[at]:
            found.append({"choice": number, "part": at, **_of_part(before[at], part)})
    return found


def _of_part(old: State, new: State) -> Change:
    name = grows_in(new)
    before, after = old.get(name), new.get(name)
    same = isinstance(before, str) and isinstance(after, str) and _others(old, name) == _others(new, name)
    if same and str(after).startswith(str(before)):
        return {"append": str(after)[len(str(before)) :]}
    return {"value": new}


def _others(state: State, left_out: str) -> State:
    return {name: value for name, value in state.items() if name != left_out}


def grown(old: State, found: list[Change]) -> State:
    """The state behind the changes; ``old`` stays as it is. What a page does with them."""
    new = _others(old, "choices") | {
        "choices": [choice | {"parts": list(choice["parts"])} for choice in old["choices"]]
    }
    for change in found:
        if "choice" not in change:
            new |= change["value"]
        elif "part" not in change:
            _put(new["choices"], change["choice"], {"parts": _parts(new, change["choice"])} | change["value"])
        else:
            _into(new["choices"][change["choice"]]["parts"], change)
    return new


def _parts(state: State, number: int) -> list[State]:
    return list(state["choices"][number]["parts"]) if number < len(state["choices"]) else []


def _into(parts: list[State], change: Change) -> None:
    at = change["part"]
    if "append" in change:
        name = grows_in(parts[at])
        _put(parts, at, parts[at] | {name: parts[at][name] + change["append"]})
    else:
        _put(parts, at, change["value"])


def _put(values: list[State], at: int, value: State) -> None:
    """In the place of another, or behind the last one."""
    values[at : at + 1] = [value]
