"""A recorded request as somebody may send it again: to its upstream's URL, with variables in the place of secrets.

Invariant: no secret stands in it; all octets of the body are those that were sent. Called by `copying.py` and by
`core/cassettes/copied_writing.py`.
"""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes, urlsplit

from attrs import frozen

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.messages import Request
from proxy_daemon.core.secret_names import PLACEHOLDER, SCHEMES

LARGEST = 256 * 1024  # octets of a body that stands in what is copied
BODY_FILE = "request-body"
# Of an upstream's or a maker's name; clients of that API read their key from it.
_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "azure": "AZURE_OPENAI_API_KEY",
    "bedrock": "AWS_BEARER_TOKEN_BEDROCK",
    "cerebras": "CEREBRAS_API_KEY",
    "cohere": "CO_API_KEY",
    "dashscope": "DASHSCOPE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "google": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "huggingface": "HF_TOKEN",
    "mistral": "MISTRAL_API_KEY",
    "ollama": "OLLAMA_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "replicate": "REPLICATE_API_TOKEN",
    "together": "TOGETHER_API_KEY",
    "vertex-claude": "GOOGLE_ACCESS_TOKEN",
    "writer": "WRITER_API_KEY",
    "xai": "XAI_API_KEY",
}
_ANY_KEY = "API_KEY"
_CREDENTIALS = frozenset((b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"apikey"))
# What whoever sends it makes anew, and what is meant for a program that undoes a coding.
_MADE_ANEW = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"accept-encoding", b"cookie")
)
_SECRET = re.compile(rb"REDACTED|%b" % PLACEHOLDER.pattern)
_SCHEMED = re.compile(rb"(%b[ \t]+)?" % SCHEMES)
_NOT_IN_URLS = re.compile(rb"[^\x21\x22\x24-\x7e]")  # and no "#": what follows it is not sent
_NO_NAME = re.compile(r"[^A-Z0-9_]+")


@frozen
class Variable:
    """Of the environment."""

    name: str


Piece = str | Variable
Pieces = tuple[Piece, ...]


@frozen
class Sent:
    """``url`` and the fields' values in pieces; ``body``: None where it is too long, then ``size`` says how long.

    ``file``: the name of the file that has it then.
    """

    method: str
    url: Pieces
    headers: tuple[tuple[str, Pieces], ...]
    body: bytes | None
    size: int
    file: str = BODY_FILE


def sent(read: Opened, largest: int = LARGEST) -> Sent:
    """``largest``: octets of a body that stand in it. Raises OSError where the store has lost the body."""
    request = read.recording.request
    key = key_of(read)
    fields = [
        (name.decode("latin-1"), _value(name, value, key))
        for name, value in request.headers.end_to_end().pairs
        if name.lower() not in _MADE_ANEW and not name.lower().startswith(b"x-llmproxy-")
    ]
    body = b"".join(chunks(request.body)) if request.body.size <= largest else None
    return Sent(request.method.decode("latin-1"), _url(read, request, key), tuple(fields), body, request.body.size)


def key_of(read: Opened) -> str:
    """The variable that holds the key: by the upstream's name, else by whose API it is."""
    upstream = read.recording.upstream.name.lower()
    return _KEYS.get(upstream) or _KEYS.get(read.dialect.name) or _KEYS.get(read.dialect.upstream_name, _ANY_KEY)


def _url(read: Opened, request: Request, key: str) -> Pieces:
    upstream = read.recording.upstream
    if upstream.scheme in ("http", "https") and upstream.host:
        base, target = f"{upstream.scheme}://{upstream.authority}", upstream.target(request.target)
    else:  # not known, or the built-in model: the API's own home
        home = urlsplit(read.dialect.home)
        base, target = f"{home.scheme}://{home.netloc}", request.target
    safe = _NOT_IN_URLS.sub(lambda found: quote_from_bytes(found[0]).encode(), target)
    return (base, *_pieces(safe, key))


def _value(name: bytes, value: bytes, key: str) -> Pieces:
    """Of a field: credentials by the API's variable, other secrets by one that is called after the field.

    Whoever runs it sends the key where it belongs, and nowhere else.
    """
    if name.lower() not in _CREDENTIALS:
        return _pieces(value, _NO_NAME.sub("_", name.decode("latin-1").upper()).strip("_0123456789") or _ANY_KEY)
    if not _SECRET.search(value):
        return (value.decode("latin-1"),)
    scheme = _SCHEMED.match(value)
    stated = scheme[1] if scheme and scheme[1] else b"Bearer " if name.lower() == b"authorization" else b""
    return tuple(filter(None, (stated.decode("latin-1"), Variable(key))))


def _pieces(value: bytes, variable: str) -> Pieces:
    """With the variable in the place of each secret."""
    pieces: list[Piece] = []
    end = 0
    for found in _SECRET.finditer(value):
        pieces += [value[end : found.start()].decode("latin-1"), Variable(variable)]
        end = found.end()
    pieces.append(value[end:].decode("latin-1"))
    return tuple(piece for piece in pieces if piece != "")
