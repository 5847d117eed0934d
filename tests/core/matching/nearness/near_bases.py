"""Requests of our own, as people and agents make them: what the labelled edits and the generated stores are made of.

Each base is a text that a person wrote, and the request around it.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

CHAT, MESSAGES, RESPONSES = b"/v1/chat/completions", b"/v1/messages", b"/v1/responses"
GEMINI, OLLAMA = b"/v1beta/models/gemini-2.5-flash:generateContent", b"/api/chat"


@frozen
class Base:
    """``around``: the body for a text."""

    name: str
    path: bytes
    around: Callable[[str], Any]
    text: str
    stamped: str = ""  # a text of the request that has a date in a stamp's place; it stands within the body
    tools: bool = False


WEATHER = {
    "name": "get_weather",
    "description": "Current weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
        "required": ["city"],
    },
}
SEARCH = {
    "name": "search_files",
    "description": "Search the repository for a pattern",
    "parameters": {
        "type": "object",
        "properties": {"pattern": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["pattern"],
    },
}
TODAY = "You are a helpful assistant of the travel desk. Today is 2025-03-14. Answer in two sentences."
NOW = "You are a scheduling agent.\nCurrent date and time: 2025-06-02 09:15:00 UTC\nUse the calendar of the team."
HANDBOOK = (
    "Employees may take up to 25 days of holiday in a year. Requests are sent to the team lead at least 14 days ahead. "
    "Days that remain at the end of December are carried over until the end of March. Parental leave follows the law "
    "of the country in which the contract was signed. Travel within the country is booked in second class; flights "
    "need the consent of the department. Expenses above 50 euros are shown with a receipt. "
)
RETRY = (
    "```python\ndef retry(call, times=3):\n    for n in range(times):\n        try:\n            return call()\n"
    "        except OSError:\n            if n == times - 1:\n                raise\n```"
)


def chat(text, system="", tools=(), **more):
    """OpenAI's chat."""
    before = [{"role": "system", "content": system}] if system else []
    body = {"model": "gpt-4.1-mini", "messages": [*before, {"role": "user", "content": text}], **more}
    return {**body, "tools": [{"type": "function", "function": tool} for tool in tools]} if tools else body


def messages(text, system="", tools=(), **more):
    """Anthropic's."""
    body = {"model": "claude-sonnet-4-5", "max_tokens": 1024, "messages": [{"role": "user", "content": text}], **more}
    if system:
        body["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
    if tools:
        body["tools"] = [{**tool, "input_schema": tool["parameters"]} for tool in tools]
    return body


def responses(text, system="", **more):
    """OpenAI's Responses."""
    said = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}]
    return {"model": "gpt-5", "instructions": system, "input": said, **more}


def gemini(text, system=""):
    """Google's."""
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": {"temperature": 0.2}}
    return {**body, "systemInstruction": {"parts": [{"text": system}]}} if system else body


def ollama(text, system=""):
    """Ollama's."""
    return {**chat(text, system), "model": "llama3.2:3b", "stream": False, "options": {"num_ctx": 4096}}


def agent(text):
    """A conversation with calls and results behind the question."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "search_files", "arguments": '{"pattern":"retry"}'},
    }
    found = {"role": "tool", "tool_call_id": "call_1", "content": "src/net/client.py:41: def retry(call, times=3):"}
    body = chat(text, NOW, [SEARCH, WEATHER], temperature=0)
    more = [{"role": "assistant", "content": None, "tool_calls": [call]}, found]
    return {**body, "messages": [*body["messages"], *more]}


def rag(text):
    """A question behind the passages that were found for it."""
    return chat(f"Answer from these passages only.\n\n{HANDBOOK * 6}\n\nQuestion: {text}", TODAY)


BASES = [
    Base("question", CHAT, chat, "What is the capital of France and which river runs through it? It has 20 districts."),
    Base("recipe", CHAT, chat, "Please give me a simple recipe for lentil soup for 4 people with ingredients at hand."),
    Base("mail", MESSAGES, messages, "Write a polite reminder to a customer whose invoice 1042 is overdue by 12 days."),
    Base("concerned", RESPONSES, responses, "Summarise the main arguments for a shorter working week in 5 bullets."),
    Base(
        "travel",
        CHAT,
        lambda text: chat(text, TODAY),
        "Suggest a quiet village near Lisbon for a weekend with 2 children.",
        "Today is 2025-03-14",
    ),
    Base(
        "calendar",
        MESSAGES,
        lambda text: messages(text, NOW, [WEATHER]),
        "Find a free afternoon for a meeting with the whole team within the next 10 days.",
        "2025-06-02 09:15:00 UTC",
        tools=True,
    ),
    Base(
        "agent",
        CHAT,
        agent,
        "Where in this repository do we retry requests, and how often? Change it so that it waits 5 seconds between.",
        "2025-06-02 09:15:00 UTC",
        tools=True,
    ),
    Base(
        "rag",
        CHAT,
        rag,
        "How many days before a holiday must the request be sent to the team lead? 14?",
        "Today is 2025-03-14",
    ),
    Base(
        "code",
        MESSAGES,
        lambda text: messages(f"{text}\n\n{RETRY}"),
        "Explain what this function does when the third attempt fails, and rewrite it with a delay of 2 seconds.",
    ),
    Base(
        "weather",
        CHAT,
        lambda text: chat(text, "", [WEATHER], tool_choice="auto"),
        "Should I take an umbrella when I walk through Hamburg tomorrow at 8 in the morning?",
        tools=True,
    ),
    Base(
        "search",
        RESPONSES,
        lambda text: responses(text, NOW, tools=[{"type": "function", **SEARCH}]),
        "Search for places where the timeout of 30 seconds is written as a constant and list the files.",
        "2025-06-02 09:15:00 UTC",
        tools=True,
    ),
    Base(
        "gemini",
        GEMINI,
        lambda text: gemini(text, TODAY),
        "Compare electric bicycles with ordinary ones for a commute of 12 kilometres in a hilly town.",
        "Today is 2025-03-14",
    ),
    Base("ollama", OLLAMA, ollama, "Describe the difference between a process and a thread in 3 short paragraphs."),
    Base(
        "german",
        CHAT,
        chat,
        "Bitte schreibe eine kurze Zusammenfassung dieses Berichts in 5 klaren Sätzen für Anfänger.",
    ),
    Base(
        "french",
        MESSAGES,
        messages,
        "Explique simplement comment fonctionne une pompe à chaleur, avec 3 exemples concrets.",
    ),
    Base(
        "spanish", GEMINI, gemini, "Escribe una carta breve para pedir información sobre el alquiler de 2 bicicletas."
    ),
    Base(
        "russian", CHAT, chat, "Объясни простыми словами, почему небо кажется голубым, и приведи 2 примера для детей."
    ),
    Base(
        "polish",
        OLLAMA,
        ollama,
        "Napisz krótkie ogłoszenie o sprzedaży używanego roweru za 300 złotych w dobrym stanie.",
    ),
    Base(
        "judge",
        CHAT,
        lambda text: chat(text, "You grade answers from 1 to 5. As of 2025-01-01 the scale is strict.", temperature=0),
        "Grade this answer: the student describes photosynthesis correctly but forgets the 6 molecules of water.",
        "As of 2025-01-01",
    ),
    Base(
        "translate",
        CHAT,
        lambda text: chat(text, "You translate into German."),
        "Translate: our warehouse moves to a bigger building, and deliveries will arrive 3 days later than usual.",
    ),
]
WIDE = [
    Base("chinese", CHAT, chat, "请用简单的语言解释光合作用的过程。给出3个例子。"),
    Base("japanese", GEMINI, gemini, "東京から京都まで新幹線で行く方法を教えてください。2人分です。"),
    Base("thai", MESSAGES, messages, "ช่วยอธิบายวิธีทำแกงเขียวหวานสำหรับ 4 คน"),
]
