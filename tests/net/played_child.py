"""A child process that a test plays, and a reactor that starts such. Called by test_net_work.py."""

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from proxy_daemon.core.work_frames import Frames, packed


class Process:
    """Twisted's end of a child that a test plays."""

    pid = 77

    def __init__(self, protocol):
        self.protocol, self.frames, self.asked, self.signals, self.closed = protocol, Frames(), [], [], False
        self.first = None  # what it hears before any question
        protocol.transport = self

    def write(self, data):
        heard = [head | {"data": octets} for head, octets in self.frames.feed(data)]
        if self.first is None and heard:
            self.first = heard.pop(0)
        self.asked += heard

    def closeStdin(self):
        self.closed = True

    def signalProcess(self, name):
        if self.signals:
            raise ProcessExitedAlready
        self.signals.append(name)

    def answer(self, **more):
        self.protocol.outReceived(packed({"number": self.asked[-1]["number"]} | more))

    def end(self, code=0):
        self.protocol.processEnded(Failure(ProcessTerminated(code) if code else ProcessDone(0)))


class Reactor(Clock):
    """A clock that starts processes, or fails to."""

    def __init__(self):
        super().__init__()
        self.processes, self.spawned, self.broken = [], [], False

    def spawnProcess(self, protocol, program, args, **more):
        if self.broken:
            raise OSError("no more processes")
        self.spawned.append((program, args, more))
        self.processes.append(Process(protocol))

    @property
    def last(self):
        return self.processes[-1]
