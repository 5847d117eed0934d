"""The recorded traffic of others (`$LLMPROXY_CORPUS`, else ../shared/corpus), as values. Formats: see its NOTICE.md.

`interactions()` gives what HTTP exchanges there are; sessions of WebSocket and gRPC and bare streams are left out.
"""

import base64
import csv
import gzip
import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

HOME = Path(os.environ.get("LLMPROXY_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")


@frozen
class Interaction:
    """One request and its answer; ``host`` with its scheme, as the request's URL has it.

    ``parsed``: the file holds the answer's JSON as values; its octets are not known.
    """

    file: str
    index: int
    host: str
    request: Request
    response: Response
    parsed: bool = False


def missing():
    """Why the corpus cannot be read; empty where it can."""
    try:
        import yaml  # noqa: F401, PLC0415  (not needed by any other test)
    except ImportError:
        return "needs PyYAML"
    return "" if (HOME / "INDEX.csv").is_file() else f"no corpus at {HOME} (LLMPROXY_CORPUS names another place)"


def interactions():
    """All of them, file by file."""
    for name, form in _files():
        for index, (request, response) in READERS[form]((HOME / name).read_bytes()):
            yield _interaction(name, index, request, response)


def labelled_pairs():
    """(label, one, other) of `near_misses.json`, with (file, index) of each."""
    pairs = json.loads((HOME / "near_misses.json").read_text())["pairs"]
    return [(pair["label"], *((pair[side]["file"], pair[side]["index"]) for side in "ab")) for pair in pairs]


def _files():
    with (HOME / "INDEX.csv").open() as index:
        return [(row["file"], row["format"]) for row in csv.DictReader(index) if row["format"] in READERS]


def _interaction(name, index, request, response):
    url = urlsplit(request.get("uri") or request["url"])
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    status = response.get("status") or response.get("status_code") or response.get("code") or 200
    status = status["code"] if isinstance(status, dict) else int(str(status).split()[0])
    return Interaction(
        name,
        index,
        f"{url.scheme}://{url.netloc}" if url.netloc else "http://localhost",
        Request(request["method"].upper().encode(), target.encode(), _headers(request), Bytes(_body(request))),
        Response(ResponseHead(status, b"", _headers(response)), Bytes(_body(response))),
        _is_parsed(response),
    )


def _is_parsed(message):
    """Whether the body stands in the file as values."""
    for name in ("body", "content", "postData"):
        if message.get(name) is not None:
            return isinstance(message[name], dict | list) and not _is_box(message[name])
    return message.get("parsed_body") is not None


def _is_box(value):
    return isinstance(value, dict) and bool({"string", "base64_string", "text", "mimeType"} & set(value))


def _headers(message):
    fields = message.get("headers") or {}
    if isinstance(fields, dict):
        fields = [
            (name, one) for name, given in fields.items() for one in (given if isinstance(given, list) else [given])
        ]
    pairs = [(one["name"], one["value"]) if isinstance(one, dict) else one for one in fields]  # a dict: HAR
    return Headers([(_octets(name), _octets(value)) for name, value in pairs])


def _body(message):
    for name in ("body", "content", "postData"):
        if message.get(name) is not None:
            return _octets(message[name])
    parsed = message.get("parsed_body")  # JSON, whatever its members are called
    return json.dumps(parsed, ensure_ascii=False).encode() if isinstance(parsed, dict | list) else _octets(parsed or "")


def _octets(value):
    """Octets of whatever a format holds a body or a value in; parsed JSON is written anew."""
    if _is_box(value):
        return _boxed(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False).encode()
    if isinstance(value, str) and value.startswith("base64:"):
        return base64.b64decode(value[7:])
    return value if isinstance(value, bytes) else str(value).encode()


def _boxed(box):
    if "base64_string" in box:
        return base64.b64decode(box["base64_string"])
    text = box.get("string", box.get("text"))
    if text is None:
        return b""
    if box.get("encoding") == "base64":
        parts = json.loads(text) if text.startswith("[") else [text]
        return b"".join(map(base64.b64decode, parts))
    return _octets(text)


def _yaml(data):
    import yaml  # noqa: PLC0415  (see `missing`)

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """With Ruby's local tag for octets."""

    Loader.add_constructor("!binary", lambda loader, node: base64.b64decode(loader.construct_scalar(node)))
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", _python_object)
    return yaml.load(data, Loader)


def _python_object(loader, suffix, node):
    """A few recorders left strings of their language's own kinds in; others are not built."""
    assert suffix.endswith(("istr", "unicode", "str", "bytes", "tuple")), suffix
    if node.id == "scalar":
        return loader.construct_scalar(node)
    found = loader.construct_sequence(node, deep=True)
    return found if suffix == "tuple" else str(found[0])


def _from_yaml(data):
    recorded = _yaml(data)
    for index, one in enumerate(recorded.get("interactions") or recorded.get("http_interactions") or []):
        if "request" in one and "response" in one and ("uri" in one["request"] or "url" in one["request"]):
            yield index, (one["request"], one["response"])


def _from_lists(data):
    recorded = _yaml(gzip.decompress(data))
    yield from enumerate(zip(recorded["requests"], recorded["responses"], strict=True))


def _from_json(data):
    recorded = json.loads(data)
    found = recorded.get("interactions") or [recorded]
    yield from enumerate((one["request"], one["response"]) for one in found)


def _from_har(data):
    for index, entry in enumerate(json.loads(data)["log"]["entries"]):
        yield index, (entry["request"], entry["response"])


READERS = {
    "vcrpy-yaml": _from_yaml,
    "vcr-ruby-yaml": _from_yaml,
    "vcr-r-yaml": _from_yaml,
    "go-vcr-yaml-v2": _from_yaml,
    "vcrpy-parallel-lists-yaml.gz": _from_lists,
    "dd-test-agent-json": _from_json,
    "vcrpy-json": _from_json,
    "har": _from_har,
}
