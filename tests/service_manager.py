"""What stands for systemd in tests: it hears what a daemon says to $NOTIFY_SOCKET, and hands a socket over."""

import socket

from rig import LIMIT

ACTIVATED = [
    *("bash", "-c"),
    'exec 3<&"$1"; shift; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=llmproxy.socket; exec "$@"',
    "activate",
]


def handed_over(listening):
    """What `daemon` needs to start one that gets this socket."""
    descriptor = listening.fileno()
    return {"wrap": [*ACTIVATED, str(descriptor)], "pass_fds": [descriptor], "listen": ()}


class Manager:
    """The service manager's end of $NOTIFY_SOCKET."""

    def __init__(self, path):
        self.environ = {"NOTIFY_SOCKET": str(path)}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(LIMIT)

    def until(self, wanted):
        """Messages as dictionaries, up to one that has this name."""
        told = []
        while not told or wanted not in told[-1]:
            lines = self.socket.recv(65536).decode().split("\n")
            told.append(dict(line.split("=", 1) for line in lines))
        return told
