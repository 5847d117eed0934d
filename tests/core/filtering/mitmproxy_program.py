"""mitmproxy's own filters; run by test_core_filtering_mitmproxy.py.

JSON in, {flows, filters}; JSON out: for each filter what it says of each flow, or null where it is none to mitmproxy.
"""

import base64
import json
import sys

from mitmproxy import flow, flowfilter, http
from mitmproxy.test import tflow


def flow_of(told):
    made = tflow.tflow()
    made.request = http.Request.make(
        told["method"], told["url"], base64.b64decode(told["asked"]), fields(told["asked_fields"])
    )
    made.response = None
    if told["status"]:
        made.response = http.Response.make(told["status"], b"", fields(told["told_fields"]))
        made.response.raw_content = base64.b64decode(told["told"])  # as it is on the wire
    made.error = flow.Error(told["error"]) if told["error"] else None
    made.marked, made.comment = told["mark"], told["comment"]
    return made


def fields(pairs):
    return [(name.encode(), value.encode()) for name, value in pairs]


def said(text, flows):
    try:
        tree = flowfilter.parse(text)
    except ValueError:
        return None
    return [bool(tree(each)) for each in flows]


if __name__ == "__main__":
    question = json.load(sys.stdin)
    made = [flow_of(each) for each in question["flows"]]
    print(json.dumps([said(text, made) for text in question["filters"]]))
