"""A writer of typed netstrings and of flows, in the shape of what mitmdump 11.0.2 writes. For tests."""


def dumps(value):
    """A value as a typed netstring; keys of mappings are text."""
    kind, payload = _parts(value)
    return b"%d:%b%b" % (len(payload), payload, kind)


def _parts(value):
    kind = type(value)
    if kind in SCALARS:
        tag, payload = SCALARS[kind]
        return tag, payload(value)
    if kind in (list, tuple):
        return b"]", b"".join(map(dumps, value))
    return b"}", b"".join(dumps(part) for pair in value.items() for part in pair)


SCALARS = {
    type(None): (b"~", lambda _: b""),
    bool: (b"!", lambda value: b"true" if value else b"false"),
    int: (b"#", lambda value: b"%d" % value),
    float: (b"^", lambda value: repr(value).encode()),
    bytes: (b",", lambda value: value),
    str: (b";", str.encode),
}


def flow(request=None, response=None, **others):
    """A flow's state; ``request`` and ``response`` replace members of the good ones, or all where they are None."""
    return {
        "websocket": None,
        "response": None if response is None else ANSWER | response,
        "request": QUESTION | (request or {}),
        "backup": None,
        "timestamp_created": 1795267690.884812,
        "comment": "",
        "metadata": {},
        "marked": "",
        "is_replay": None,
        "intercepted": False,
        "server_conn": {"via": None, "address": ["127.0.0.1", 18977], "tls": False, "alpn_offers": [], "error": None},
        "client_conn": {"proxy_mode": "reverse:http://127.0.0.1:18977", "peername": ["127.0.0.1", 47002], "sni": None},
        "error": None,
        "id": "9fd728c0-7db9-4489-94c0-be581240bdfe",
        "type": "http",
        "version": 21,
    } | others


QUESTION = {
    "path": b"/v1/chat/completions?x=1",
    "authority": b"",
    "scheme": b"https",
    "method": b"POST",
    "port": 443,
    "host": "api.example",
    "timestamp_end": 1000.25,
    "timestamp_start": 1000.0,
    "trailers": None,
    "content": b'{"model":"m"}',
    "headers": [[b"Host", b"api.example"], [b"Content-Type", b"application/json"], [b"Content-Length", b"13"]],
    "http_version": b"HTTP/1.1",
}
ANSWER = {
    "reason": b"OK",
    "status_code": 200,
    "timestamp_end": 1001.5,
    "timestamp_start": 1000.5,
    "trailers": None,
    "content": b'{"id":1}',
    "headers": [[b"Content-Type", b"application/json"], [b"Set-Cookie", b"a=1"], [b"Set-Cookie", b"b=2"]],
    "http_version": b"HTTP/1.1",
}
