"""Documents of cassettes for these tests: entries with their fingerprints, and damaged ones."""

from attrs import evolve, frozen

from proxy_daemon.core.cassettes.llmproxy import HEADER, Damaged, Entry, read
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.fingerprint import Matcher
from tests.core.cassettes.llmproxy.cassette_files import QUESTION, file_of, recording

PARIS = b'"content":"Paris."'


@frozen(eq=False)
class Piece:
    entry: Entry | None
    damaged: Damaged | None


def question(text):
    return QUESTION.replace(b"the capital of France", text.encode())


def answer(text, number=1):
    body = recording().response.body.whole()
    return body.replace(PARIS, b'"content":"%b"' % text.encode()).replace(b"chatcmpl-1", b"chatcmpl-%d" % number)


def asked(text="the capital of France", said="Paris.", *, path=b"/v1/chat/completions", number=1, **changes):
    return evolve(recording(question(text), answer(said, number), path=path), **changes)


def documents_of(data, dialects=None):
    matcher, found = Matcher(), []
    for one in read("c.yaml", data, {}.__getitem__, *([dialects] if dialects else [])):
        if isinstance(one, Damaged):
            found.append(Piece(None, one))
            continue
        request = one.recording.request
        key = matcher.fingerprint(request, recognise(request, BUILT_IN), None, b"")
        found.append(Piece(evolve(one, recording=evolve(one.recording, fingerprint=key)), None))
    return found


def documents(*recordings):
    return documents_of(file_of(*recordings))


def with_damage(*recordings):
    return documents_of(HEADER + b"---\nrequest: 1\n...\n" + file_of(*recordings).removeprefix(HEADER))
