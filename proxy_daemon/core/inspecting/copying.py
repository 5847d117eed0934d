r"""A request as a command or a program that sends it: for curl, Python and JavaScript.

Invariant: what is copied sends the same octets, and holds no control character that a terminal would follow. Called by
`work/viewing.py`, and for exports by `core/cassettes/copied_writing.py`.

Sources: POSIX shell, 2.2 Quoting; curl(1), --data-raw, --header; Python's urllib.request; the Fetch standard.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator

from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.sent import BODY_FILE, Pieces, Sent, Variable, sent

LONGEST_ARGUMENT = 64 * 1024  # octets; systems allow 128 KiB for one
_STEERS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_PLAIN = re.compile(r"[A-Za-z0-9_.,:/=@%+ ;()*?&-]*")


def copy_view(read: Opened, language: object) -> dict[str, str]:
    """{"text"}. Raises ValueError for a language that is none, and OSError where the store has lost the body."""
    if not isinstance(language, str) or language not in _WRITERS:
        raise ValueError(f"as is one of {', '.join(_WRITERS)}")
    return {"text": _WRITERS[language](sent(read))}


def _text_of(body: bytes) -> str | None:
    """A body as text that can stand in a terminal; None for all others."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _STEERS.search(text) else text


def _in_file(request: Sent, sign: str) -> str:
    if request.body is not None:
        return ""
    place = f"download it as {BODY_FILE}" if request.file == BODY_FILE else f"it stands beside as {request.file}"
    return f"{sign} the body has {request.size} octets: {place}\n"


# --- curl ------------------------------------------------------------------------------------------------------------


def curl(request: Sent) -> str:
    """For a POSIX shell; where a header field is no ASCII, for bash."""
    before, data = _curl_body(request)
    lines = [" ".join(["curl", *_curl_ways(request, has_body=bool(data)), _shell(request.url)])]
    lines += [f"-H {_shell(_curl_field(name, value))}" for name, value in request.headers]
    if data and not any(name.lower() == "content-type" for name, _ in request.headers):
        lines.append("-H 'Content-Type:'")  # else curl would say that it is a form
    return _in_file(request, "#") + before + " \\\n  ".join([*lines, *data]) + "\n"


def _curl_ways(request: Sent, *, has_body: bool) -> Iterator[str]:
    """Options that keep the address as it is, and say the method."""
    address = "".join(piece for piece in request.url if isinstance(piece, str))
    if any(sign in address for sign in "[]{}"):
        yield "--globoff"
    if "/." in address:
        yield "--path-as-is"
    if request.method == "HEAD" and not has_body:
        yield "--head"  # -X HEAD would wait for the body that the answer's length tells of
    elif request.method != ("POST" if has_body else "GET"):
        yield f"-X {_quoted(request.method)}"


def _curl_field(name: str, value: Pieces) -> Pieces:
    return (f"{name}: ", *value) if value else (f"{name};",)


def _curl_body(request: Sent) -> tuple[str, list[str]]:
    """(What stands before curl, its options)."""
    if request.body is None:
        return "", [f"--data-binary @{request.file}"]
    if not request.body:
        return "", []
    text = _text_of(request.body)
    if text is None:
        coded = base64.b64encode(request.body).decode("ascii")
        return f"printf %s {coded} | base64 -d | ", ["--data-binary @-"]
    if len(request.body) > LONGEST_ARGUMENT:  # `printf` is the shell's own: it may get more
        return f"printf %s {_quoted(text)} | ", ["--data-binary @-"]
    return "", [f"--data-raw {_quoted(text)}"]


def _shell(pieces: Pieces) -> str:
    """One word of a shell."""
    if all(isinstance(piece, Variable) or _PLAIN.fullmatch(piece) for piece in pieces):
        inner = "".join(f"${{{piece.name}}}" if isinstance(piece, Variable) else piece for piece in pieces)
        return f'"{inner}"' if any(isinstance(piece, Variable) for piece in pieces) else f"'{inner}'"
    return "".join(f'"${{{piece.name}}}"' if isinstance(piece, Variable) else _octets(piece) for piece in pieces)


def _octets(latin: str) -> str:
    """Octets of a head as a word: those that are no ASCII in bash's way."""
    if all(" " <= sign <= "~" for sign in latin):
        return _quoted(latin)
    escaped = "".join(sign if " " <= sign <= "~" and sign not in "'\\" else f"\\x{ord(sign):02x}" for sign in latin)
    # Two hexadecimal digits at most are read: what follows cannot be taken for a third.
    return f"$'{escaped}'"


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"


# --- Python ----------------------------------------------------------------------------------------------------------


def python(request: Sent) -> str:
    """For Python 3, by its standard library alone."""
    uses = any(isinstance(piece, Variable) for _, value in (("", request.url), *request.headers) for piece in value)
    fields = "".join(f"        {name!r}: {_python(value)},\n" for name, value in [*_joined(request), *_typed(request)])
    return (
        _in_file(request, "#")
        + ("import os\n" if uses else "")
        + "import sys\nimport urllib.error\nimport urllib.request\n\n"
        + "request = urllib.request.Request(\n"
        + f"    {_python(request.url)},\n    method={request.method!r},\n    headers={{\n{fields}    }},\n"
        + _python_body(request)
        + ")\n"
        + "try:\n    response = urllib.request.urlopen(request)\nexcept urllib.error.HTTPError as error:\n"
        + "    response = error\nprint(response.status, file=sys.stderr)\n"
        + "for line in response:\n    sys.stdout.buffer.write(line)\n    sys.stdout.flush()\n"
    )


def _joined(request: Sent) -> list[tuple[str, Pieces]]:
    """A dict holds each name once (RFC 9110 section 5.2)."""
    found: dict[str, tuple[str, Pieces]] = {}
    for name, value in request.headers:
        first = found.get(name.lower())
        found[name.lower()] = (name, value) if first is None else (first[0], (*first[1], ", ", *value))
    return list(found.values())


def _typed(request: Sent) -> list[tuple[str, Pieces]]:
    """No type, of a body without one: else `urllib` would say that it is a form."""
    is_told = request.body == b"" or any(name.lower() == "content-type" for name, _ in request.headers)
    return [] if is_told else [("Content-Type", ())]


def _python(pieces: Pieces) -> str:
    parts = [f"os.environ[{piece.name!r}]" if isinstance(piece, Variable) else ascii(piece) for piece in pieces]
    return " + ".join(parts) or "''"


def _python_body(request: Sent) -> str:
    if request.body is None:
        return f"    data=open({request.file!r}, 'rb').read(),\n"
    if not request.body:
        return ""
    text = _text_of(request.body)
    if text is None or "'''" in text or text.endswith(("'", "\\")):
        return f"    data={request.body!r},\n"
    return f"    data=r'''{text}'''.encode(),\n"


# --- JavaScript ------------------------------------------------------------------------------------------------------


def javascript(request: Sent) -> str:
    """For a module of Node: `node file.mjs`."""
    fields = "".join(f"    [{_js_text(name)}, {_js(value)}],\n" for name, value in request.headers)
    return (
        _in_file(request, "//")
        + ("import { readFileSync } from 'node:fs';\n\n" if request.body is None else "")
        + f"const response = await fetch({_js(request.url)}, {{\n"
        + f"  method: {_js_text(request.method)},\n  headers: [\n{fields}  ],\n"
        + _js_body(request)
        + "});\nconsole.error(response.status);\n"
        + "for await (const piece of response.body ?? []) process.stdout.write(piece);\n"
    )


def _js(pieces: Pieces) -> str:
    parts = [f"process.env.{piece.name}" if isinstance(piece, Variable) else _js_text(piece) for piece in pieces]
    return " + ".join(parts) or '""'


def _js_text(text: str) -> str:
    return json.dumps(text)


def _js_body(request: Sent) -> str:
    if request.body is None:
        return f"  body: readFileSync({_js_text(request.file)}),\n"
    if not request.body:
        return ""
    text = _text_of(request.body)
    if text is None:
        coded = base64.b64encode(request.body).decode("ascii")
        return f"  body: Uint8Array.from(atob({_js_text(coded)}), (sign) => sign.charCodeAt(0)),\n"
    return f"  body: {json.dumps(text, ensure_ascii=False)},\n"


_WRITERS: dict[str, Callable[[Sent], str]] = {"curl": curl, "python": python, "javascript": javascript}
