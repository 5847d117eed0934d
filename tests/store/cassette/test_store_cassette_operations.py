"""Any sequence of what daemons, people and crashes do to one file: a model says what must be in it."""

import hypothesis.strategies as st
from cassettes import Played, answers_in, recorded
from hypothesis import given, settings

QUESTIONS = "abc"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "anew"]), st.integers(0, 1), st.sampled_from(QUESTIONS)),
        st.tuples(st.just("reopen"), st.integers(0, 1), st.just("")),
        st.tuples(st.just("crash"), st.integers(1, 80), st.just("")),
    ),
    max_size=14,
)


class Run:
    """Of one daemon: what was there before it, and of each question what it replaces, and how far it is."""

    def __init__(self, there):
        self.before, self.turns = list(there), {}


class Model:
    """What must be in the file: recordings as (question, answer), in no order. No two answers are equal."""

    def __init__(self):
        self.there = []
        self.runs = [Run(()), Run(())]

    def begin(self, daemon):
        self.runs[daemon] = Run(self.there)

    def put(self, _daemon, one):
        self.there.append(one)

    def anew(self, daemon, one):
        run, question = self.runs[daemon], one[0]
        if question not in run.turns:
            run.turns[question] = [each for each in self.there if each in run.before and each[0] == question]
            self.there = [each for each in self.there if each not in run.turns[question][1:]]
        old = run.turns[question]
        if old and old[0] in self.there:
            self.there.remove(old[0])
        self.there.append(one)

    def answers(self, question):
        return sorted(each[1] for each in self.there if each[0] == question)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_happens_what_was_recorded_is_there(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("steps") / "x.yaml"
    model = Model()
    daemons = [Played(path, "all"), Played(path, "all")]
    for number, (what, which, question) in enumerate(steps):
        if what == "reopen":
            daemons[which].cassette.close()
            daemons[which] = Played(path, "all")
            model.begin(which)
        elif what == "crash":
            if number and steps[number - 1][0] != "crash":  # who comes next repairs it before it appends
                crash(path, which)
        else:
            one = recorded(question, str(number))
            assert (daemons[which].put(one) if what == "put" else daemons[which].anew(one)) == [True]
            getattr(model, what)(which, (question, str(number)))
    for each in daemons:
        each.cassette.close()
    Played(path).cassette.close()  # repairs
    for question in QUESTIONS:
        assert sorted(answers_in(path, question)) == model.answers(question)


def crash(path, octets):
    """A daemon is killed while it appends."""
    whole = path.read_bytes() if path.exists() else b""
    if b"---\n" in whole:
        last = whole[whole.rindex(b"---\n") :]
        with path.open("ab") as file:
            file.write(last[: min(octets, len(last) - 30)])
