"""A daemon whose upstream says each word when the test lets it, and whose clients ask in threads.

So what a page shows before the next word is let go has not been kept back by anybody. Called by conftest.py.
"""

import json
import queue
import threading

from rig import DONE, LIMIT, SSE_HEAD, Daemons, RawUpstream, chunk, json_answer

END = object()
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}


def event(text):
    """One event of a chat's stream."""
    choice = {"index": 0, "delta": {"content": text}}
    return b"data: " + json.dumps({"id": "c1", "model": "lab-1", "choices": [choice]}).encode() + b"\n\n"


def answer(text="done", **message):
    """A chat's answer as a document."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text} | message, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "model": "lab-1", "choices": [choice], "usage": USAGE}


class Talk:
    """``words``: what the upstream streams next; ``says``: request -> octets of an answer that is no stream."""

    def __init__(self, folder, *options):
        self.words, self.clients, self.got = queue.Queue(), [], queue.Queue()
        self.says = lambda body: json_answer(answer())
        self.upstream = RawUpstream(self._play)
        self.daemons, self.options = Daemons(folder), options
        self.daemon = self.start()

    def start(self, **more):
        """The daemon, or another one after it."""
        self.daemon = self.daemons.start("--upstream", self.upstream.url, *self.options, **more)
        return self.daemon

    def _play(self, peer):
        while (asked := peer.request())[0]:
            if b'"stream": true' in asked[1]:
                self._stream(peer)
            else:
                peer.send(self.says(json.loads(asked[1] or b"null")))

    def _stream(self, peer):
        peer.send(SSE_HEAD)
        while (text := self.words.get(timeout=4 * LIMIT)) is not END:
            peer.send(chunk(event(text)))
        peer.send(chunk(DONE) + chunk(b""))

    def say(self, *words):
        """Let these go."""
        for word in words:
            self.words.put(word)

    def end(self):
        """Let the stream end."""
        self.words.put(END)

    def ask(self, text="hi", **more):
        """Ask for a stream, in a thread."""
        work = threading.Thread(target=lambda: self.got.put(self.daemon.chat(text, stream=True, **more)), daemon=True)
        work.start()
        self.clients.append(work)
        return work

    def chat(self, text="hi", said=None, **more):
        """Ask for a document; its exchange's id. ``said``: the answer, a document or octets."""
        if said is not None:
            self.says = lambda body: said if isinstance(said, bytes) else json_answer(said)
        self.daemon.chat(text, **more)
        return self.daemon.exchanges()[0]["id"]

    def stop(self):
        """All of it."""
        while any(work.is_alive() for work in self.clients):
            self.end()
            for work in self.clients:
                work.join(0.2)
        self.daemons.stop()
        self.upstream.close()
