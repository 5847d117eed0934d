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
OTHER_BEGIN, OTHER_END = "<!-- what else is rendered: tests/docs/dialects_table.py -->\n", "<!-- end of what else -->"
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
    "openai-images": tuple(
        ("/v1/images/generations", {"model": "model-1", "prompt": "Hi", "stream": streams}) for streams in (False, True)
    ),
    "openai-audio": tuple(
        ("/v1/audio/transcriptions", {"model": "model-1", "stream": streams}) for streams in (False, True)
    ),
    "openai-moderations": (("/v1/moderations", {"model": "model-1", "input": "Hi"}), None),
    "replicate": (("/v1/models/owner/model-1/predictions", {"input": {}}), None),
    "openai-state": (("/v1/threads", {}), None),
}
# What else a dialect is asked for, by name, where its answer has another form: a path, and what its body has besides.
OTHERS = {
    "bedrock": {
        "embeddings": ("/model/amazon.titan-embed-text-v2:0/invoke", {}),
        "images": ("/model/amazon.nova-canvas-v1:0/invoke", {}),
        "a model of an unknown maker": ("/model/model-1/invoke", {}),
        "a guardrail": ("/guardrail/g/version/1/apply", {}),
    },
    "google": {
        "embeddings": ("/v1beta/models/model-1:batchEmbedContents", {}),
        "images": ("/v1/projects/p/locations/l/publishers/google/models/imagen-4:predict", {}),
    },
    "ollama": {
        "completion": ("/api/generate", {"model": "model-1"}),
        "embeddings": ("/api/embed", {"model": "model-1"}),
    },
    "dashscope": {
        "embeddings": ("/api/v1/services/embeddings/text-embedding/text-embedding", {"model": "model-1"}),
        "images": ("/api/v1/services/aigc/text2image/image-synthesis", {"model": "model-1"}),
        "rerank": ("/api/v1/services/rerank/text-rerank/text-rerank", {"model": "model-1"}),
    },
    "cohere": {
        "embeddings": ("/v2/embed", {"model": "model-1"}),
        "rerank": ("/v2/rerank", {"model": "model-1"}),
        "tokens": ("/v1/tokenize", {"model": "model-1"}),
    },
    "cohere-v1": {"completion": ("/v1/generate", {"model": "model-1"})},
    "tgi": {"embeddings": ("/embed", {"inputs": "Hi"})},
    "azure": {
        "embeddings": ("/openai/deployments/model-1/embeddings", {}),
        "images": ("/openai/deployments/model-1/images/generations", {}),
    },
    "mistral": {"a conversation": ("/v1/conversations", {"inputs": "Hi"})},
    "openai-images": {"a stream": ("/v1/images/generations", {"model": "model-1", "stream": True})},
    "openai-audio": {
        "speech": ("/v1/audio/speech", {"model": "model-1"}),
        "speech as events": ("/v1/audio/speech", {"model": "model-1", "stream_format": "sse"}),
    },
}
PARTS = {
    "text": (Text("Hello"),),
    "thoughts": (Reasoning("Hm"),),
    "refusals": (Declined("No"),),
    "calls": (ToolCall("call_1", "weather", "{}"),),
    "vectors": (Vector((0.5, 1.0)),),
    "places": (Vector((0.5,)),),
    "categories": (Other("violence"),),
    "media": (Media("image", "image/png", data=b"PNG"), Media("audio", "audio/mpeg", data=b"ID3")),
    "links to media": (Media("image", "image/png", "https://example.com/a.png"),),
}
FRAMINGS = {
    Framing.EVENTS: "events",
    Framing.FRAMES: "AWS frames",
    Framing.LINES: "lines of JSON",
    Framing.ARRAY: "JSON array",
}
HEAD = ("dialect", "for example", "asks for", "model in", "its stream", "which ends with", "conversation", "renders")
OTHER_HEAD = ("dialect", "asked for", "for example", "renders")


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
        rendered(dialect, asked),
    )


def other_row(dialect, name):
    """The cells of something else that is asked of it."""
    asked = request(OTHERS[dialect.name][name])
    assert recognise(asked, BUILT_IN) is dialect, asked.path
    return dialect.name, name, f"`{asked.path.decode()}`", rendered(dialect, asked)


def rendered(dialect, asked):
    """The kinds of parts that it has words for, else why there are none."""
    kinds = dict.fromkeys(name for name in PARTS if any(said_in(dialect, asked, part) for part in PARTS[name]))
    if "vectors" in kinds:
        kinds.pop("places", None)  # a place in a ranking is one number
    return ", ".join(kinds) or f"cannot be rendered: {why_not(dialect, asked)}"


def said_in(dialect, asked, part):
    try:
        dialect.render(said(part), asked)
    except CannotRender:
        return False
    return True


def why_not(dialect, asked):
    try:
        dialect.render(said(Text("Hello")), asked)
    except CannotRender as error:
        return str(error)
    raise AssertionError(dialect.name)


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
    places = any(isinstance(part, Vector) and len(part.values) == 1 for part in parts)
    choice = Choice(parts, Finish.STOP, "0" if places else "")
    return Answer((choice,), "id_1", "model-1", 1, Usage(1, 1, 2))


def streams(dialect, example):
    """By what it renders, and reads again to its good end; "-" where it renders none."""
    if example is None:
        return "-"
    asked = request(example)
    assert recognise(asked, BUILT_IN) is dialect, dialect.name
    assert dialect.streams(asked), dialect.name
    written = first_rendered(dialect, asked)
    head = ResponseHead(200, b"", Headers([(b"content-type", written.content_type)]))
    reader = AnswerReader(dialect, asked, head)
    reader.feed(written.body)
    reader.end()
    assert reader.answer().complete, dialect.name
    assert not reader.problem, dialect.name
    return FRAMINGS[framing_of(written.content_type, written.body, status=200, streams=True)]


def first_rendered(dialect, asked):
    for part in (part for parts in PARTS.values() for part in parts):
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


def table():
    """All built-in dialects, in the order in which they are asked."""
    return written_as_table(HEAD, map(row, BUILT_IN))


def other_table():
    """What is asked of them besides, and has an answer of another form."""
    asked = [(dialect, name) for dialect in BUILT_IN for name in OTHERS.get(dialect.name, ())]
    return written_as_table(OTHER_HEAD, (other_row(dialect, name) for dialect, name in asked))


def written_as_table(head, rows):
    return "".join("| " + " | ".join(cells) + " |\n" for cells in (head, ["---"] * len(head), *rows))


def rebuilt(page):
    """The page with its tables made anew."""
    for begin, end, made in ((BEGIN, END, table()), (OTHER_BEGIN, OTHER_END, other_table())):
        before, _, rest = page.partition(begin)
        page = before + begin + made + end + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    PAGE.write_text(rebuilt(PAGE.read_text()))
