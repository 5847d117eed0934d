"""mitmproxy itself opens a file of flows, and writes one; run by test_core_cassettes_mitmproxy_itself.py.

`told PATH`: a line of JSON out for each flow. `again PATH OTHER`: reads PATH and writes its flows to OTHER.
`serve PATH`: server replay as mitmdump has it, of each request of the file; a line out for each answer.
"""

import base64
import json
import sys
from pathlib import Path

from mitmproxy.addons.serverplayback import ServerPlayback
from mitmproxy.exceptions import FlowReadException
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import taddons


def flows(path):
    with Path(path).open("rb") as file:
        yield from FlowReader(file).stream()


def coded(data):
    return None if data is None else base64.b64encode(data).decode()


def side(message):
    return {
        "body": coded(message.raw_content),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in message.headers.fields],
        "began": message.timestamp_start,
        "ended": message.timestamp_end,
    }


def told(path):
    try:
        for flow in flows(path):
            print(json.dumps(said(flow)))
    except FlowReadException as error:
        print(json.dumps({"refused": str(error)}))


def said(flow):
    request, response = flow.request, flow.response
    return {
        "id": flow.id,
        "url": request.url,
        "method": request.method,
        "request": side(request),
        "response": None if response is None else answer(response),
        "error": flow.error.msg if flow.error else None,
        "server": [flow.server_conn.address, flow.server_conn.tls, flow.server_conn.sni],
    }


def answer(response):
    trailers = response.trailers.fields if response.trailers else ()
    rest = [[name.decode(), value.decode()] for name, value in trailers]
    return side(response) | {"status": response.status_code, "reason": response.reason, "trailers": rest}


def again(path, other):
    with Path(other).open("wb") as file:
        writer = FlowWriter(file)
        for flow in flows(path):
            writer.add(flow)


def serve(path):
    addon = ServerPlayback()
    with taddons.context(addon) as context:
        context.configure(addon, server_replay=[path], server_replay_refresh=False)
        for flow in flows(path):
            asked = HTTPFlow(flow.client_conn, flow.server_conn)
            asked.request = flow.request.copy()
            addon.request(asked)
            print(json.dumps(None if asked.response is None else answer(asked.response)))


globals()[sys.argv[1]](*sys.argv[2:])
