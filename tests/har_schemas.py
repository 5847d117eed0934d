"""The JSON schema of HAR 1.2 (har_schema/, of the package har-schema 2.0.0, ISC), and what it does not ask.

`faults(data)` gives what is wrong with a file, in words; none where it is a HAR.
"""

import json
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from jsonschema import Draft6Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).with_name("har_schema")
TIMES = ("blocked", "dns", "connect", "send", "wait", "receive")  # `ssl` is a part of `connect`


@lru_cache(maxsize=1)
def validator():
    schemas = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
    resources = [(name, Resource.from_contents(schema)) for name, schema in schemas.items()]
    return Draft6Validator(schemas["har.json"], registry=Registry().with_resources(resources))


def faults(data):
    found = json.loads(data)
    wrong = [f"{error.json_path}: {error.message}" for error in validator().iter_errors(found)]
    return wrong + [fault for entry in found["log"]["entries"] for fault in _told_in_words(entry)]


def _told_in_words(entry):
    """What the specification says of values, and the schema does not: times, URLs, sizes, members of one's own."""
    timings = entry["timings"]
    content, sent = entry["response"]["content"], entry["request"].get("postData", {})
    rules = {
        "time is the sum of the timings": abs(entry["time"] - sum(max(0, timings[name]) for name in TIMES)) < 1e-6,
        "send, wait and receive are not negative": min(timings["send"], timings["wait"], timings["receive"]) >= 0,
        "an absolute URL without fragment": urlsplit(entry["request"]["url"]).netloc != ""
        and "#" not in entry["request"]["url"],
        "text and params exclude each other": not ("text" in sent and "params" in sent),
        "size is bodySize and compression": entry["response"]["bodySize"] == -1
        or content["size"] == entry["response"]["bodySize"] + content.get("compression", 0),
        "size is that of the text": "text" not in content or "encoding" in content
        or content["size"] == len(content["text"].encode()),
    }  # fmt: skip
    return [rule for rule, holds in rules.items() if not holds]
