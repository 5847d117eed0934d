"""A client program: an agent that calls tools until it has its answer, on the unmodified `openai` or `anthropic` SDK.

`agent_calls.py chat|responses|messages document|stream`; on stdin what was said so far, as JSON, or nothing. Prints a
JSON line a turn: the answer's words and calls, and all that has been said by then. A run can go on from any of these.
Run by test_clients_two_runs.py.
"""

import json
import sys

ASKED = "Where is it warmest: in Paris, Rome or Oslo? Name the call that said so."
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOLD = {"Paris": "18 degrees", "Rome": "25 degrees", "Oslo": "9 degrees"}


def told(arguments):
    """What the tool says."""
    return TOLD[(json.loads(arguments) if isinstance(arguments, str) else arguments)["city"]]


def chat(said, *, stream):
    """One turn: (words, calls, what has been said by now)."""
    import openai  # noqa: PLC0415  (each run has what one SDK needs)

    messages = said or [{"role": "user", "content": ASKED}]
    tool = {"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": SCHEMA}}
    asked = {"model": "m", "messages": messages, "tools": [tool]}
    answer = openai.OpenAI().chat.completions.create(**asked, stream=stream)
    message = joined(answer) if stream else answer.choices[0].message.model_dump(exclude_none=True)
    calls = message.get("tool_calls", ())
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": told(call["function"]["arguments"])} for call in calls
    ]
    named = [[call["function"]["name"], call["function"]["arguments"]] for call in calls]
    return message.get("content") or "", named, [*messages, message, *results]


def joined(events):
    """The message that the pieces of a stream make up."""
    text, calls = "", {}
    for delta in (choice.delta for event in events for choice in event.choices):
        text += delta.content or ""
        for call in delta.tool_calls or ():
            known = calls.setdefault(call.index, {"id": call.id, "type": "function", "function": {"arguments": ""}})
            known["function"].setdefault("name", call.function.name)
            known["function"]["arguments"] += call.function.arguments or ""
    message = {"role": "assistant", "content": text}
    return message | ({"tool_calls": list(calls.values())} if calls else {})


def responses(said, *, stream):
    """With all that was said in each request: nothing is kept at the server."""
    import openai  # noqa: PLC0415  (as above)

    said = said or [{"role": "user", "content": ASKED}]
    tool = {"type": "function", "name": "weather", "description": "Tells it", "parameters": SCHEMA, "strict": False}
    answer = openai.OpenAI().responses.create(model="m", tools=[tool], input=said, store=False, stream=stream)
    if stream:
        (answer,) = [event.response for event in answer if event.type == "response.completed"]
    calls = [item for item in answer.output if item.type == "function_call"]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": told(call.arguments)} for call in calls
    ]
    after = [*said, *[item.model_dump(exclude_none=True) for item in answer.output], *results]
    return answer.output_text, [[call.name, call.arguments] for call in calls], after


def messages(said, *, stream):
    import anthropic  # noqa: PLC0415  (as above)

    messages = said or [{"role": "user", "content": ASKED}]
    tool = {"name": "weather", "description": "Tells it", "input_schema": SCHEMA}
    asked = {"model": "m", "max_tokens": 99, "messages": messages, "tools": [tool]}
    client = anthropic.Anthropic()
    if stream:
        with client.messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = client.messages.create(**asked)
    calls = [block for block in answer.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": told(call.input)} for call in calls]
    blocks = [block.model_dump(include={"type", "text", "id", "name", "input"}) for block in answer.content]
    text = "".join(block.text for block in answer.content if block.type == "text")
    after = [*messages, {"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
    return text, [[call.name, call.input] for call in calls], after


def main(api, form):
    said, going = json.loads(sys.stdin.read() or "null"), True
    while going:
        text, calls, said = globals()[api](said, stream=form == "stream")
        print(json.dumps([text, calls, said]), flush=True)
        going = bool(calls)


if __name__ == "__main__":
    main(*sys.argv[1:])
