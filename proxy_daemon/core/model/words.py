"""What the built-in model says in words: a few rules that docs and tests lean on, else a sentence that quotes the user.

The rules, in order: "say X"; facts; sums of two whole numbers; "count to N"; "what did I say"; a greeting. Only the
last `HEARD` characters of a text are looked at, so the cost is bounded whatever is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from proxy_daemon.core.model.seeds import pick

HEARD = 4000
_QUOTED = 60
_RESULT = 200
_COUNT_LIMIT = 200

FACTS = {
    "capital of france": "Paris.",
    "capital of germany": "Berlin.",
    "capital of japan": "Tokyo (東京).",
    "capital of brazil": "Brasília.",
    "meaning of life": "42.",
    "who are you": "I am the model that is built into llmproxy. I know a few things, and I cost nothing.",
}
SENTENCES = (
    "You wrote “{quote}”. A fair question; my short answer is yes, with a little patience.",
    "About “{quote}”: I would start small, look at what happens, and take the next step from there.",
    "“{quote}” reminds me of a café where every answer came with a second question. ☕",
    "I thought about “{quote}” for a moment. It depends on what you want to see at the end.",
    "Let me put it simply: “{quote}” is less trouble than it looks. Try it once, and see.",
    "Good point. For “{quote}” there are two ways, and the naïve one is often good enough.",
    "“{quote}”? I am a small built-in model, so take what I say with a grain of salt. 🧂",
    "On “{quote}” I can say this much: measure first, then decide. Más vale tarde que nunca.",
)
# Dates ("2025-01-01") and sizes ("640x480") are no sums: minus and x stand between blanks.
_SUM = re.compile(r"(?<![\w.-])(-?\d{1,9})(\s*[+*]\s*|\s+[-x]\s+)(-?\d{1,9})(?![\w-]|\.\d)")
_SAY = re.compile(r"\s*(?:please\s+)?say:?\s+(.{1,200})", re.IGNORECASE | re.DOTALL)
_COUNT = re.compile(r"\bcount (?:from 1 )?to (\d{1,9})\b", re.IGNORECASE)
_HELLO = re.compile(r"\s*(?:hello|hi|hey|hola|bonjour)\b.{0,30}$", re.IGNORECASE)
_SUMS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "x": lambda a, b: a * b,
}


def heard(text: str) -> str:
    """What of a text is looked at: its end."""
    return text[-HEARD:]


def quote(text: str, size: int = _QUOTED) -> str:
    """The beginning of a text on one line, cut between words where there is a gap to cut at."""
    line = " ".join(text[: 4 * size].split())
    if len(line) <= size and len(text) <= 4 * size:
        return line
    return (line[:size].rpartition(" ")[0] or line[:size]).rstrip(" ,.;:") + "…"


def reply(texts: Sequence[str], choice: int = 0) -> str:
    """The answer to the last of the user's ``texts``; ``choice`` tells several answers to one request apart."""
    text = heard(texts[-1]) if texts else ""
    if not text.strip():
        return "You said nothing, and that is fine. Ask me anything, même en français."
    return _by_rule(text, texts) or SENTENCES[pick(text, choice + len(texts), len(SENTENCES))].format(quote=quote(text))


def reply_to_results(results: Sequence[str]) -> str:
    """The answer when functions have been called: it quotes what came back."""
    return "Here is what came back: " + "; ".join(quote(result, _RESULT) for result in results[-4:])


def thought(texts: Sequence[str]) -> str:
    """What the model thinks before it answers."""
    return f"The user says “{quote(heard(texts[-1]) if texts else '')}”. A short, friendly answer will do."


def _by_rule(text: str, texts: Sequence[str]) -> str:
    lower = text.lower()
    if found := _SAY.match(text):
        return _sentence(found[1])
    for phrase, fact in FACTS.items():
        if phrase in lower:
            return fact
    if found := _SUM.search(text):
        return f"{_SUMS[found[2].strip()](int(found[1]), int(found[3]))}."
    if found := _COUNT.search(text):
        return ", ".join(str(number) for number in range(1, min(int(found[1]), _COUNT_LIMIT) + 1)) + "."
    if "did i say" in lower and len(texts) > 1:
        return f"You said: “{quote(texts[-2])}”."
    return "Hello! 👋 How can I help?" if _HELLO.match(text) else ""


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line[:1].upper() + line[1:] + ("" if line[-1:] in ".!?…" else ".")
