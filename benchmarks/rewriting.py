"""The cases of rewriting: `rewrite-idle`, what rules cost that change nothing, and `rewrite-codec`, what edits cost.

The first asks two daemons of ours, one of them with rules. The second needs no daemon and no network; its times are
taken as in codec.py. Called by bench.py.
"""

import statistics
from contextlib import ExitStack, contextmanager

from cases import SLICES, ask_in_turns, asker, check, no_errors, running_upstream
from codec import core, expect, growth, measured, request, seconds
from codec_inputs import chat, pieces
from peers import OURS, Side, ours
from processes import PROXY_CORE, free_port, running
from rewriting_inputs import CLOSE, HOSTILE, IDLE_RULES, OPEN, STREAMS, document, events, long_text
from standing import ours_only

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead

WITH_RULES = "with rules"
MORE = 1.10  # times the CPU time without rules
EVENTS, EVENT_US = 500, 12.0
DOCUMENT_MS, TWICE = 20.0, 2.3
LONG = 400_000  # characters of hostile text
SHORT = 20  # so many short repetitions, as only quiet moments count
TYPES = {True: b"text/event-stream", False: b"application/json"}


# --- rules that change nothing ---------------------------------------------------------------------------------------


@contextmanager
def both_sides(bench, upstream):
    """Our daemon without rules, and with rules of which none fits."""
    rules = bench.folder / "idle.toml"
    rules.write_text(IDLE_RULES)
    with ExitStack() as stack:
        sides = []
        for name, more in ((OURS, []), (WITH_RULES, ["--rewrite", "gpt-oss", "--rewrite", str(rules)])):
            port = free_port()
            command = [*ours(bench, "rewrite", port, upstream), *more]
            said = bench.folder / f"{OURS}-rewrite-{port}.said"
            sides.append(Side(name, port, stack.enter_context(running(command, PROXY_CORE, port, said))))
        yield sides


def idle(bench):
    """What they cost on each path."""
    checks, figures, said = [], [], {}
    for kind in ("miss", "hit", "stream"):
        with running_upstream(bench) as upstream, both_sides(bench, upstream) as sides:
            said[kind] = ask_in_turns(bench.rounds * SLICES, sides, asker(bench, kind, upstream))
        part = times_the_cost(said[kind], "cpu_us_per_event" if kind == "stream" else "cpu_us_per_request")
        figures.append(f"{kind} {part:.2f}")
        checks.append(check(f"{kind}, idle rules: part of the cost without", part, MORE, "x"))
        checks += [no_errors(f"{kind}, {name}", rounds) for name, rounds in said[kind].items()]
    return ours_only("x the CPU without rules", " / ".join(figures), checks, said)


def times_the_cost(rounds, key):
    """The middle of the rounds' ratios."""
    pairs = zip(rounds[WITH_RULES], rounds[OURS], strict=True)
    return statistics.median(ruled[key] / max(plain[key], 0.001) for ruled, plain in pairs)


# --- rules that change something -------------------------------------------------------------------------------------


def edited(fed, rules="gpt-oss", *, streams=True):
    """What comes out of an answer of chat completions that comes in these pieces."""
    asked = request(chat(1000) if streams else chat(1000).replace(b'"stream": true', b'"stream": false'))
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", TYPES[streams])]))
    dialect = core("dialects.openai.chat").OpenAIChat()
    editor = core("rewriting.editor").editor_for(core("rewriting.ready").ready(rules).rules, dialect, asked, head)
    return b"".join([*map(editor.piece, fed), editor.end()])


def each_event(bench):
    """Streams whose events come one by one."""
    found = []
    for what, texts, rules, changes in STREAMS:
        fed = events(texts(EVENTS))
        expect(f"{what}: changed", edited(fed, rules) != b"".join(fed), changes)
        took = seconds(lambda fed=fed, rules=rules: edited(fed, rules), bench.rounds * SHORT)
        found.append(check(f"{rules}: an event {what}", took / len(fed) * 1e6, EVENT_US, "µs"))
    return found


def documents(bench):
    """A megabyte in one answer: one match and very many, written as Python and as Go write."""
    found = []
    for turns, ascii_only in ((1, False), (1000, False), (1000, True)):
        octets = document(long_text(turns), ascii_only=ascii_only)
        fed = list(pieces(octets))
        expected = document(long_text(turns).replace(OPEN, "<think>").replace(CLOSE, "</think>"), ascii_only=ascii_only)
        expect("the edited answer", edited(fed, streams=False), expected)
        took = seconds(lambda fed=fed: edited(fed, streams=False), bench.rounds * 3) * 1000
        how = ", escaped" if ascii_only else ""
        found.append(check(f"1 MB of JSON, {turns:,} analyses{how}, edited", took, DOCUMENT_MS, "ms"))
    return found


def hostile(bench):
    """Texts made to be looked at again and again, in one piece and in events."""
    found = []
    for what, unit in HOSTILE.items():

        def whole(size, unit=unit):
            return [document((unit * size)[:size])]

        def cut(size, unit=unit):
            text = (unit * size)[: size // 10]
            return events(text[at : at + 7] for at in range(0, len(text), 7))

        for how, make, streams in (("an answer", whole, False), ("events", cut, True)):
            found.append(
                growth(f"{what}, {how}", lambda fed, s=streams: edited(fed, streams=s), make, LONG, bench, TWICE)
            )
    return found


PARTS = (each_event, documents, hostile)


def codec(bench):
    """All parts."""
    checks = [one for part in PARTS for one in measured(part, bench)]
    found = {one["what"]: one["figure"] for one in checks}
    worst = [max((one["figure"] for one in checks if one["unit"] == unit), default=0) for unit in ("µs", "ms")]
    return ours_only("µs an event / ms for 1 MB, at most", "{:.1f} / {:.1f}".format(*worst), checks, found)


CASES = {"rewrite-idle": idle, "rewrite-codec": codec}
