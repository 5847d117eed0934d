"""The table of docs/dialects.md, made by asking each dialect: `python tests/docs/dialects_table.py` writes it anew.

Nothing is told of a dialect that it does not do here: requests are recognised, answers rendered and read again.
"""

import re
from pathlib import Path

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Declined,
    Finish,
    Media,
    Other,
    Reasoning,
    Text,
    ToolCall,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, as_json
from proxy_daemon.core.dialects.framing import Framing, framing_of
from proxy_daemon.core.dialects.reading import AnswerReader
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead

PAGE = Path(__file__).parents[2] / "docs" / "dialects.md"
BEGIN, END = "<!-- table: tests/docs/dialects_table.py -->\n", "<!-- end of the table -->"
SAYS = {"model": "model-1", "messages": [{"role": "user", "content": "Hello"}]}
GEMINI = "{}/models/model-1:{}generateContent"
# Of each: a request for a document, and one for a stream; None: there is none.
EXAMPLES = {
    "bedrock": (("/model/model-1/converse", {}), ("/model/model-1/converse-stream", {})),
    "vertex-claude": tuple(
        (f"/v1/projects/p/locations/l/publishers/anthropic/models/model-1:{verb}", {"messages": []})
        for verb in ("rawPredict", "streamRawPredict")
    ),
    "google": ((GEMINI.format("/v1beta", ""), {}), (GEMINI.format("/v1beta", "stream") + "?alt=sse", {})),
    "anthropic": (("/v1/messages", SAYS), ("/v1/messages", SAYS | {"stream": True})),
    "ollama": (("/api/chat", SAYS | {"stream": False}), ("/api/chat", SAYS)),
    "dashscope": tuple(
        ("/api/v1/services/aigc/text-generation/generation", {"model": "model-1", "stream": streams, "input": {}})
        for streams in (False, True)
    ),
    "cohere": (("/v2/chat", SAYS), ("/v2/chat", SAYS | {"stream": True})),
    "cohere-v1": tuple(("/v1/chat", {"model": "model-1", "message": "Hi", "stream": one}) for one in (False, True)),
    "writer": (("/v1/chat", SAYS), ("/v1/chat", SAYS | {"stream": True})),
    "tgi": (("/generate", {"inputs": "Hi"}), ("/generate_stream", {"inputs": "Hi"})),
    "azure": tuple(
        ("/openai/deployments/model-1/chat/completions", {"messages": [], "stream": one}) for one in (False, True)
    ),
    "openrouter": tuple(("/api/v1/chat/completions", SAYS | {"stream": one}) for one in (False, True)),
    "mistral": tuple(
        ("/v1/chat/completions", SAYS | {"random_seed": 1, "stream": streams}) for streams in (False, True)
    ),
    "openai-chat": tuple(("/v1/chat/completions", SAYS | {"stream": one}) for one in (False, True)),
    "openai-completions": tuple(
        ("/v1/completions", {"model": "model-1", "prompt": "Hi", "stream": one}) for one in (False, True)
    ),
    "openai-responses": tuple(
        ("/v1/responses", {"model": "model-1", "input": "Hi", "stream": one}) for one in (False, True)
    ),
    "openai-embeddings": (("/v1/embeddings", {"model": "model-1", "input": "Hi"}), None),
    "openai-images": (("/v1/images/generations", {"model": "model-1", "prompt": "Hi"}), None),
    "openai-audio": tuple(
        ("/v1/audio/transcriptions", {"model": "model-1", "stream": streams}) for streams in (False, True)
    ),
    "openai-moderations": (("/v1/moderations", {"model": "model-1", "input": "Hi"}), None),
    "replicate": (("/v1/models/owner/model-1/predictions", {"input": {}}), None),
    "openai-state": (("/v1/threads", {}), None),
}
PARTS = {
    "text": Text("Hello"),
    "thoughts": Reasoning("Hm"),
    "refusals": Declined("No"),
    "calls": ToolCall("call_1", "weather", "{}"),
    "vectors": Vector((0.5, 1.0)),
    "categories": Other("violence"),
    "media": Media("image", "image/png", "https://example.com/a.png"),
}
FRAMINGS = {
    Framing.EVENTS: "events",
    Framing.FRAMES: "AWS frames",
    Framing.LINES: "lines of JSON",
    Framing.ARRAY: "JSON array",
}
HEAD = ("dialect", "for example", "asks for", "model in", "its stream", "which ends with", "conversation", "renders")


def request(example):
    target, body = example
    return Request(b"POST", target.encode(), Headers([(b"content-type", b"application/json")]), Bytes(as_json(body)))


def row(dialect):
    """The cells of a dialect."""
    document, stream = EXAMPLES[dialect.name]
    asked = request(document)
    assert recognise(asked, BUILT_IN) is dialect, dialect.name
    link = re.search(r"https://\S+", type(dialect).__doc__ or "")
    return (
        f"[{dialect.name}]({link[0].rstrip(',')})",
        f"`{asked.path.decode()}`",
        ", ".join(asks_for(dialect)),
        model_in(dialect, asked),
        streams(dialect, stream),
        ending(dialect, stream),
        "yes" if type(dialect).conversation is not Dialect.conversation else "no",
        ", ".join(renders(dialect, asked)) or "nothing",
    )


def asks_for(dialect):
    """By the groups of its pattern; of a family by those of its members."""
    members = getattr(dialect, "members", (dialect,))
    names = dict.fromkeys(name for each in members for name in each.operations.groupindex)
    return [name.replace("_", " ") for name in names]


def model_in(dialect, asked):
    model = dialect.model(asked)
    if not model:
        return "nothing"
    return "path" if model.encode() in asked.path else "body"


def said(*parts):
    return Answer((Choice(parts, Finish.STOP),), "id_1", "model-1", 1, Usage(1, 1, 2))


def streams(dialect, example):
    """By what it renders, and reads again to its good end; "-" where it renders none."""
    if example is None:
        return "-"
    asked = request(example)
    assert recognise(asked, BUILT_IN) is dialect, dialect.name
    assert dialect.streams(asked), dialect.name
    rendered = first_rendered(dialect, asked)
    head = ResponseHead(200, b"", Headers([(b"content-type", rendered.content_type)]))
    reader = AnswerReader(dialect, asked, head)
    reader.feed(rendered.body)
    reader.end()
    assert reader.answer().complete, dialect.name
    assert not reader.problem, dialect.name
    return FRAMINGS[framing_of(rendered.content_type, rendered.body, status=200, streams=True)]


def first_rendered(dialect, asked):
    for part in PARTS.values():
        try:
            return dialect.render(said(part), asked)
        except CannotRender:
            continue
    raise AssertionError(dialect.name)


def ending(dialect, example):
    """The first of its marks that a stream of its own ends with."""
    if example is None:
        return "-"
    tail = first_rendered(dialect, request(example)).body
    marks = [mark for mark in dialect.terminal if mark in tail]
    assert dialect.ends_with_terminal(tail) or not dialect.terminal, dialect.name
    return f"`{printable(marks[0])}`" if marks else "its reason"


def printable(mark):
    return re.sub(rb"[^ -~]+", b" ", mark).decode().strip()


def renders(dialect, asked):
    """The kinds of parts that it has words for."""
    for name, part in PARTS.items():
        try:
            dialect.render(said(part), asked)
        except CannotRender:
            continue
        yield name


def table():
    """All built-in dialects, in the order in which they are asked."""
    rows = [HEAD, ["---"] * len(HEAD), *map(row, BUILT_IN)]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in rows)


def rebuilt(page):
    """The page with the table made anew."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(rebuilt(PAGE.read_text()))
