"""An API of our own: words one by one as lines of JSON, the last of which says `"over": true`."""

import re

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Message, Text
from proxy_daemon.core.dialects.dialect import Dialect, Piece, Rendered, as_json
from proxy_daemon.hookspecs import hookimpl


class Parrot(Dialect):
    name = "parrot"
    home = "https://parrot.example/api"
    paths = re.compile(rb"/parrot/say$")
    operations = re.compile(rb"(?P<chat>/say)$")
    terminal = (b'"over": true',)

    def streams(self, request):
        return True

    def conversation(self, request):
        said = request.body_field("say")
        return Conversation((Message("user", (Text(said),)),) if isinstance(said, str) else ())

    def assembler(self):
        return Words()

    def render(self, answer, request):
        lines = [{"word": word} for word in answer.text.split(" ")] + [{"over": True}]
        pieces = tuple(Piece(as_json(line) + b"\n", spoken="word" in line) for line in lines)
        return Rendered(b"application/x-ndjson", pieces)


class Words:
    """Gets each line, parsed: of any shape, as anybody may have written it."""

    def __init__(self):
        self.words, self.over = [], False

    def add(self, name, data):
        if isinstance(data, dict):
            self.over = self.over or data.get("over") is True
            self.words += [data["word"]] if isinstance(data.get("word"), str) else []

    def answer(self):
        end = Finish.STOP if self.over else Finish.UNKNOWN
        return Answer((Choice((Text(" ".join(self.words)),), end),), complete=self.over)


@hookimpl
def llmproxy_dialects():
    return [Parrot()]
