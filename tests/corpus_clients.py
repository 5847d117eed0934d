"""Clients that send recorded requests as they are, and read the answers; for tests over the corpus."""

import http.client
import json
import queue
import threading
from urllib.parse import urlencode

from rig import LIMIT

from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

MOST = 64 * 1024 * 1024
# Of the connection and of the framing: written anew for these octets.
_ANEW = {b"host", b"connection", b"keep-alive", b"te", b"proxy-connection", b"trailer", b"upgrade", b"expect"}
_ANEW |= {b"content-length", b"transfer-encoding"}
_WITH_BODY = (b"POST", b"PUT", b"PATCH")


class Asker:
    """On one connection for as long as that holds. ``left_out``: fields that are not sent, beside those of framing."""

    def __init__(self, port, left_out=()):
        self._left_out = _ANEW.union(left_out)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        # Octets that the library itself would not send; the daemon answers for what it makes of them.
        self._connection._validate_path = self._connection._validate_method = lambda text: None

    def close(self):
        self._connection.close()

    def ask(self, request, fields):
        """(status, decoded body, header fields) of the answer. ``fields``: more of them."""
        connection = self._connection
        connection.putrequest(
            request.method.decode(), request.target.decode("latin-1"), skip_host=True, skip_accept_encoding=True
        )
        connection.putheader("Host", "127.0.0.1")
        for name, value in [*fields.items(), *request.headers.pairs]:
            if isinstance(name, str) or name.lower() not in self._left_out:
                connection.putheader(name, value)
        body = request.body.read(0, request.body.size)
        if body or request.method in _WITH_BODY:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, decoded(answer.headers.get("Content-Encoding", ""), answer.read()), answer.headers


def decoded(codings, data):
    """Recordings name codings whose octets they hold decoded."""
    uncoder = Uncoder(codings.encode(), MOST)
    try:
        return uncoder.piece(data) + uncoder.end()
    except CodingError:
        return data


def recorded(response):
    """(status, decoded body) of a recorded answer."""
    coding = response.head.headers.get(b"content-encoding").decode("latin-1")
    return response.head.status, decoded(coding, response.body.read(0, response.body.size))


class Binder:
    """Binds files to names in a running daemon."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._token = {"X-LLMProxy-Token": daemon.get("/_llmproxy/api/token")["token"]}

    def bind(self, name, path):
        """Empty, or why it cannot be."""
        status, said = self._ask("PUT", {"name": name, "file": str(path), "mode": "none"})
        return "" if status == 200 else said["error"]

    def release(self, name):
        assert self._ask("DELETE", {"name": name}) == (200, {})

    def _ask(self, method, parameters):
        status, _, body = self._daemon.request(
            method, f"/_llmproxy/api/cassettes?{urlencode(parameters)}", headers=self._token
        )
        return status, json.loads(body)


def at_once(count, tasks, work):
    """[work(task), ...] of all tasks in any order: by so many threads, each of which does one after another."""
    waiting, done = queue.SimpleQueue(), queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)

    def run():
        while True:
            try:
                done.put((work(waiting.get_nowait()), None))
            except queue.Empty:
                return
            except BaseException as error:
                done.put((None, error))
                raise

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = [done.get_nowait() for _ in range(done.qsize())]
    for _, error in found:
        if error is not None:
            raise error
    return [each for each, _ in found]
