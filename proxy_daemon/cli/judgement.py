"""Whether a verdict is a no: which of its counts one fails on, and the sentences that say why.

``found`` is what `/_llmproxy/api/verdict` answers. Called by `verdict.py`, by `run.py` and by the pytest plugin.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.cli.verdict_text import COLUMNS

# What to fail on, and what it is called in the daemon's answer.
WORDS = {
    "miss": "misses",
    "unused": "unused",
    "live": "live",
    "refused": "refused",
    "failed": "failed",
    "near": "near",
}


def parse_fail_on(text: str) -> tuple[str, ...]:
    """Words of `WORDS` with commas between, or `nothing`. Raises ValueError."""
    if text.strip() == "nothing":
        return ()
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in WORDS:
            raise ValueError(f"--fail-on: {word!r} is not one of {', '.join(WORDS)}, nor nothing")
    return tuple(dict.fromkeys(words))


def against(found: dict[str, Any], session: str | None, fail_on: tuple[str, ...]) -> list[str]:
    """Why the answer is no, a line each; none where all is fine."""
    reasons = [
        f"{_called(each['session'])} has {', '.join(counted)}"
        for each in found["sessions"]
        if (counted := [f"{word}: {count}" for word in fail_on if (count := _count(each, word))])
    ]
    if found["beyond"] is not None and fail_on:
        reasons.append("there were more sessions than are told apart: llmproxy verdict --reset, before each run")
    if found.get("trouble") and fail_on:
        reasons.append(f"not all was recorded: {found['trouble']}")
    if session and not any(each["exchanges"] for each in found["sessions"]) and fail_on:
        reasons.append(f"nothing was asked in {_called(session)}: do its clients send X-LLMProxy-Session?")
    return reasons


def is_verdict(found: Any) -> bool:
    """Whether an answer has the shape that is printed and judged here."""
    if not isinstance(found, dict) or not {"sessions", "beyond"} <= found.keys():
        return False
    sessions, beyond = found["sessions"], found["beyond"]
    if not isinstance(sessions, list) or not sessions or not isinstance(found.get("trouble", ""), str):
        return False
    return all(map(_is_session, sessions)) and (beyond is None or _has_counts(beyond))


def _is_session(each: Any) -> bool:
    if not _has_counts(each) or not isinstance(each.get("session"), str):
        return False
    unused, reports = each.get("unused"), each.get("reports")
    if (
        not isinstance(unused, dict)
        or not _is_number(unused.get("count"))
        or not _is_number(each.get("reports_left_off"))
    ):
        return False
    return all(isinstance(listed, list) and all(map(_is_texts, listed)) for listed in (unused.get("first"), reports))


def _has_counts(each: Any) -> bool:
    return isinstance(each, dict) and all(_is_number(each.get(name)) for name in ("exchanges", *COLUMNS))


def _is_texts(each: Any) -> bool:
    return isinstance(each, dict) and all(isinstance(value, str) for value in each.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(each: dict[str, Any], word: str) -> int:
    count: int = each["unused"]["count"] if word == "unused" else each[WORDS[word]]
    return count


def _called(session: str) -> str:
    return f"session {session!r}" if session else "the session without a name"
