"""Text files of questions and answers: `Q: ...`, then `A: ...`. Read by `import`, written by `export --format qa`."""

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.foreign_text import WrittenEntry, left_out
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.stored_body import from_json
from proxy_daemon.core.inspecting.opened import opened
from proxy_daemon.hookspecs import hookimpl

URL = "https://api.openai.com/v1/chat/completions"
JSON = {"Content-Type": "application/json"}


class QuestionsAndAnswers:
    name = "qa"
    suffix = ".qa"  # of files that are written
    single = False  # a file holds many exchanges
    head = between = tail = empty = b""  # what stands around them

    def recognises(self, file, data):
        return data.startswith(b"Q: ")

    def read(self, file, data):
        lines = data.decode(errors="replace").splitlines()
        if len(lines) % 2:
            raise Unreadable(file, "a question without its answer")
        for question, answer in zip(lines[::2], lines[1::2], strict=True):
            asked = {"model": "any", "messages": [{"role": "user", "content": question[3:]}]}
            message = {"role": "assistant", "content": answer[3:]}
            said = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            yield recording(Said("POST", URL, 200, JSON, from_json(asked), JSON, from_json(said)))

    def entry(self, recording):
        found = opened(recording)
        if not found.conversation.messages or found.answer is None:
            return left_out("it is no conversation")
        question, answer = (" ".join(each.text.split()) for each in (found.conversation.messages[-1], found.answer))
        return WrittenEntry(f"Q: {question}\nA: {answer}\n".encode(), losses=["all but the last question"])


@hookimpl
def llmproxy_formats():
    return [QuestionsAndAnswers()]
