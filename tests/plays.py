"""The daemon's service on a reactor in memory, and what stands around it: its ports, its process, its manager.

Used by test_net_service.py and test_net_service_reload.py.
"""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import succeed
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from wires import Front, answer

from proxy_daemon.core.services import Life
from proxy_daemon.net.service import Daemon, DaemonService, Surroundings
from proxy_daemon.settings import Settings

GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Port:
    """Stands for a listening port."""

    def __init__(self, address):
        self.address, self.stopped = address, False

    def getHost(self):
        return self.address

    def stopListening(self):
        self.stopped = True


class Reactor(MemoryReactorClock):
    """Keeps its ports, and refuses those that are taken."""

    taken = ()

    def __init__(self):
        super().__init__()
        self.ports = []

    def callWhenRunning(self, function):
        function()

    def listenTCP(self, port, factory, backlog=50, interface=""):
        if port in self.taken:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        kind = IPv6Address if ":" in interface else IPv4Address
        self.ports.append(Port(kind("TCP", interface or "0.0.0.0", port)))
        return self.ports[-1]

    def listenUNIX(self, address, *_, **__):
        self.ports.append(Port(UNIXAddress(address)))
        return self.ports[-1]


class Said:
    """What stands in the place of the standard error."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def fileno(self):
        return 2


class Handlers:
    """Stands for the signal handlers of a process."""

    def __init__(self):
        self.handlers = {}

    def on(self, function, *numbers):
        self.handlers.update(dict.fromkeys(numbers, function))

    def last(self, function, *numbers):
        def handle():
            self.on(None, *numbers)
            function()

        self.on(handle, *numbers)

    def send(self, number):
        self.handlers[number]()


class Manager:
    """Stands for the service manager."""

    def __init__(self, watchdog=0.0):
        self.watchdog, self.told = watchdog, []

    def __getattr__(self, name):
        return lambda *args: self.told.append((name, *args))

    def taken(self):
        told, self.told = self.told, []
        return told


class Play:
    """A service whose parts the test holds."""

    def __init__(self, *listen, stops=(), watchdog=0.0):
        self.reactor, self.front, self.stopped = Reactor(), Front(at_once=False), []
        self.stops = stops or (lambda: self.stopped.append("first"), lambda: self.stopped.append("second"))
        self.handlers, self.manager, self.life = Handlers(), Manager(watchdog), Life()
        self.settings, self.adopted, self.adopting = Settings(grace=30.0), [], succeed(None)
        self.found = self.settings  # what stands in file and environment
        around = Surroundings(self.handlers, lambda: self.manager, self.read)
        self.service = DaemonService(self.reactor, listen or ("tcp:8910:interface=127.0.0.1",), self.assemble, around)
        self.assembling = succeed(None)

    def read(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def adopt(self, settings):
        self.adopted.append(settings)
        await self.adopting

    async def assemble(self):
        await self.assembling
        lines = lambda addresses: [f"listening on {each}" for each in addresses]  # noqa: E731  (one line)
        return Daemon(self.front.site, lines, self.stops, self.settings, self.life, self.adopt)

    def started(self):
        self.service.startService()
        return self

    def stop(self):
        """Tell it to stop; the reactor has read once what was there."""
        self.done = []
        self.service.stopService().addCallback(self.done.append)
        self.reactor.advance(0)
        return self

    def asked(self, *, whole=True):
        """(channel, wire) of a client that has asked something; ``whole``: and was answered."""
        channel, wire = self.front.connect()
        channel.dataReceived(GET)
        if whole:
            answer(self.front.root.requests[-1])
            wire.clear()
        return channel, wire
