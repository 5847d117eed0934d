"""Relays as the stage makes them: what is recorded of an answer, and how a recording is played."""

import gzip
from array import array

import pytest
from attrs import evolve
from talks import Ears
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from proxy_daemon.core.bodies import CHUNK, Bytes
from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.speed import parse_speed
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.bodies import Spool
from proxy_daemon.net.stage import AT_ONCE, Stage
from proxy_daemon.net.upstream.answer import LiveAnswer
from proxy_daemon.settings import Settings

UPSTREAM = parse_upstream("demo:")
GZIP = b"gzip"
EMPTY = gzip.compress(b"") * 2000


class Wall:
    """Both clocks by hand."""

    def __init__(self, clock):
        self.seconds = clock.seconds

    def wall(self):
        return 1_000_000.0 + self.seconds()


class Keeper:
    def __init__(self):
        self.kept = []

    def keep(self, exchange, response, tape, upstream, ending):
        self.kept.append((exchange, response, tape.cut, upstream, ending))
        return succeed(True)


class Sink:
    """Stands for an outlet."""

    def __init__(self):
        self.ears, self.position, self.paused = Ears(), 0, False
        self.done = Deferred()
        self.flow = None

    def feed_from(self, flow):
        self.flow = flow

    def flush(self):
        pass

    def write(self, data, *, last=False):
        self.position += len(data)
        self.ears.received(data, None)

    def end(self, ending, why=""):
        self.ears.endings.append(ending)
        self.why = why
        self.done.callback(ending)


class Play:
    def __init__(self, **settings):
        self.timer, self.keeper = Clock(), Keeper()
        self.stage = Stage(Settings(**settings), self.keeper, Wall(self.timer), self.timer)

    def joined(self, relay):
        relay.join(sink := Sink())
        return sink


def exchange(*fields, **more):
    return Exchange(1, Request(b"POST", b"/v1/x", Headers(fields)), UPSTREAM, OpenAIChat(), 0.0, **more)


def recording(data=b"abcdef", sizes=(1, 2, 3), times=(0, 1_000_000, 3_000_000), fields=(), body=None):
    pieces = Pieces(array("Q", sizes), array("Q", times))
    head = ResponseHead(200, b"OK", Headers(fields))
    return Recording(
        *(7, Request(b"POST", b"/v1/x"), Response(head, body or Bytes(data), pieces), UPSTREAM),
        *(Ending.COMPLETE, Outcome.MISS, 1_000_000.0),
    )


def encoded(coding=GZIP, data=b"plain text"):
    body = gzip.compress(data)
    return recording(body, (5, len(body) - 5), (0, 0), ((b"Content-Encoding", coding), (b"X-A", b"1")))


def in_file(data):
    spool = Spool(0)
    spool.write(data)
    return spool


class TestAtOnce:
    def test_a_small_recording_in_its_pieces(self):
        assert Play().stage.at_once(recording(), exchange()) == [b"a", b"bc", b"def"]

    def test_one_piece_is_not_copied(self):
        (piece,) = Play().stage.at_once(made := recording(sizes=(6,)), exchange())
        assert piece is made.response.body.data

    def test_nothing_at_all(self):
        assert Play().stage.at_once(recording(b"", ()), exchange()) == []

    def test_the_largest(self):
        assert Play().stage.at_once(recording(b"x" * AT_ONCE, (AT_ONCE,)), exchange()) == [b"x" * AT_ONCE]

    NOT = {
        "too large": recording(b"x" * (AT_ONCE + 1), (AT_ONCE + 1,)),
        "in a file": recording(body=in_file(b"abcdef")),
        "pieces that are less than the body": recording(sizes=(1, 2)),
        "pieces that are more than the body": recording(sizes=(1, 2, 4)),
        "no pieces": recording(sizes=()),
        "a coding that the client does not know": encoded(),
    }

    @pytest.mark.parametrize("made", NOT.values(), ids=NOT.keys())
    def test_all_else_is_played(self, made):
        assert Play().stage.at_once(made, exchange((b"Accept-Encoding", b"identity"))) is None

    def test_a_pace_is_played(self):
        assert Play(replay_speed=parse_speed("1")).stage.at_once(recording(), exchange()) is None

    def test_no_response(self):
        made = Recording(7, Request(b"GET", b"/"), None, UPSTREAM, Ending.FAILED, Outcome.FAILED, 0.0)
        assert Play().stage.at_once(made, exchange()) is None


class TestReplay:
    @pytest.mark.parametrize(("speed", "when"), [("1", [0, 1, 3]), ("2", [0, 0.5, 1.5]), ("2tps", [0.5, 1, 1.5])])
    def test_at_the_speed_of_the_settings(self, speed, when):
        play = Play(replay_speed=parse_speed(speed))
        sink = play.joined(play.stage.replay(recording(), exchange()))
        seen = [0.0] * len(sink.ears.pieces)
        while not sink.ears.endings and play.timer.seconds() < 10:
            play.timer.advance(0.25)
            seen += [play.timer.seconds()] * (len(sink.ears.pieces) - len(seen))
        assert (sink.ears.pieces, seen) == ([b"a", b"bc", b"def"], when)
        assert sink.ears.endings == [Ending.COMPLETE]

    def test_its_age(self):
        play = Play()
        play.timer.advance(90)
        assert play.stage.replay(recording(), exchange()).age == 90

    def test_no_age_below_nothing(self):
        """The clock of the machine may have been set back."""
        made = recording()
        made.__dict__["started"] = 2_000_000.0
        assert Play().stage.age(made) == 0

    @pytest.mark.parametrize("coding", [b"gzip", b"GZIP", b"x-gzip"])
    @pytest.mark.parametrize("accepted", [b"identity", b"br", b"gzip;q=0", b"br, *;q=0"])
    def test_decoded_for_whom_that_does_not_know_the_coding(self, coding, accepted):
        play = Play()
        relay = play.stage.replay(encoded(coding), exchange((b"Accept-Encoding", accepted)))
        sink = play.joined(relay)
        assert (sink.ears.body, sink.ears.endings) == (b"plain text", [Ending.COMPLETE])
        assert relay.head.headers.pairs == ((b"X-A", b"1"),)

    @pytest.mark.parametrize("fields", [[], [(b"accept-encoding", b"gzip, br")], [(b"Accept-Encoding", b"*")]])
    def test_as_it_is_for_whom_that_does(self, fields):
        play, made = Play(), encoded()
        relay = play.stage.replay(made, exchange(*fields))
        assert play.joined(relay).ears.body == made.response.body.data
        assert relay.head.headers.get(b"content-encoding") == GZIP

    def test_who_names_none_gets_what_was_recorded_for_one_who_did_decoded(self):
        play, made = Play(), encoded()
        made = evolve(made, request=evolve(made.request, headers=Headers(((b"Accept-Encoding", b"gzip"),))))
        assert play.joined(play.stage.replay(made, exchange())).ears.body == b"plain text"

    def test_a_coding_that_nobody_knows_is_passed_on(self):
        play, made = Play(), encoded(b"snappy")
        relay = play.stage.replay(made, exchange((b"Accept-Encoding", b"gzip")))
        assert play.joined(relay).ears.body == made.response.body.data
        assert relay.head.headers.get(b"content-encoding") == b"snappy"

    BROKEN = {
        "the coding is cut": recording(gzip.compress(b"x" * 50)[:-4], (20,), (0,), ((b"Content-Encoding", GZIP),)),
        "the coding is damaged": recording(b"no gzip", (7,), (0,), ((b"Content-Encoding", GZIP),)),
        "nothing comes of the coding": recording(EMPTY, (len(EMPTY),), (0,), ((b"Content-Encoding", GZIP),)),
        "octets are missing": recording(sizes=(1, 2, 9)),
        "pieces are missing": recording(sizes=(1, 2)),
    }

    @pytest.mark.parametrize("made", BROKEN.values(), ids=BROKEN.keys())
    def test_a_damaged_recording_ends_as_broken(self, made):
        play = Play(replay_speed=parse_speed("1000tps"))
        sink = play.joined(play.stage.replay(made, exchange((b"Accept-Encoding", b"identity"))))
        play.timer.pump([0.1] * 10)
        assert sink.ears.endings == [Ending.BROKEN_OFF]
        assert "the recording cannot be read" in sink.why

    def test_a_large_piece_is_read_in_parts(self):
        play, data = Play(), b"x" * (2 * CHUNK + 1)
        sink = play.joined(play.stage.replay(recording(body=in_file(data), sizes=(len(data),)), exchange()))
        assert [len(piece) for piece in sink.ears.pieces] == [CHUNK, CHUNK, 1]


class Line:
    """Stands for an upstream's connection."""

    def __init__(self):
        self.aborted = False

    def pause(self):
        pass

    def resume(self):
        pass

    def abort(self):
        self.aborted = True


class TestRecord:
    HEAD = ResponseHead(200, b"OK")

    def recorded(self, play, seen, *pieces, ending=Ending.COMPLETE, why=""):
        answer = LiveAnswer(Line(), self.HEAD)
        sink = play.joined(play.stage.record(answer, seen, UPSTREAM))
        for piece in pieces:
            play.timer.advance(1)
            answer.deliver(piece, None)
        answer.deliver(b"", ending, why)
        return sink, play.keeper.kept

    def test_octets_pieces_times_and_ending_are_kept(self):
        play = Play()
        play.timer.advance(5)
        sink, kept = self.recorded(play, seen := exchange(began=5.0), b"ab", b"c")
        ((same, response, cut, upstream, ending),) = kept
        assert (same, cut, upstream, ending) == (seen, False, UPSTREAM, Ending.COMPLETE)
        assert (response.body.whole(), list(response.pieces.sizes)) == (b"abc", [2, 1])
        assert list(response.pieces.times) == [1_000_000, 2_000_000]
        assert (seen.duration, seen.detail, sink.ears.body) == (2_000_000, "", b"abc")

    def test_why_it_broke_is_kept(self):
        _, kept = self.recorded(Play(), seen := exchange(), b"a", ending=Ending.BROKEN_OFF, why="upstream went")
        assert (kept[0][4], seen.detail) == (Ending.BROKEN_OFF, "upstream went")

    def test_what_is_said_already_stays(self):
        self.recorded(Play(), seen := exchange(detail="first"), ending=Ending.BROKEN_OFF, why="second")
        assert seen.detail == "first"

    @pytest.mark.parametrize(
        ("settings", "more", "cut"),
        [
            ({"record_max_body": 3}, {}, False),
            ({"record_max_body": 2}, {}, True),
            ({}, {"directives": Directives(no_store=True)}, True),
        ],
        ids=["the limit", "beyond the limit", "no-store"],
    )
    def test_limits(self, settings, more, cut):
        sink, kept = self.recorded(Play(**settings), exchange(**more), b"ab", b"c")
        assert (kept[0][2], sink.ears.body) == (cut, b"abc")

    @pytest.mark.parametrize(("how", "aborted"), [("cancel", True), ("drain", False)])
    def test_with_nobody_left_it_is_ended_or_drained(self, how, aborted):
        play = Play(on_client_abort=how, drain_max_seconds=9.0, drain_max_bytes=5)
        answer = LiveAnswer(line := Line(), self.HEAD)
        relay = play.stage.record(answer, exchange(), UPSTREAM)
        sink = play.joined(relay)
        sink.done.callback(Ending.CLIENT_GONE)
        relay.desert(Ending.CLIENT_GONE)
        assert line.aborted is aborted
        answer.deliver(b"12345", None)
        assert line.aborted is aborted
        answer.deliver(b"6", None)
        assert line.aborted

    def test_draining_takes_so_long_and_no_longer(self):
        play = Play(on_client_abort="drain", drain_max_seconds=9.0)
        answer = LiveAnswer(line := Line(), self.HEAD)
        play.stage.record(answer, exchange(), UPSTREAM).desert(Ending.CLIENT_GONE)
        play.timer.advance(8.9)
        assert not line.aborted
        play.timer.advance(0.2)
        assert line.aborted
