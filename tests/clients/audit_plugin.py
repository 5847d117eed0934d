"""A plugin for tests: writes every connect and every name look-up of the daemon's process to $AUDIT_FILE.

An audit hook sees what Python's socket module does, whoever calls it; it cannot be taken off again.
"""

import os
import sys

from proxy_daemon.hookspecs import hookimpl

WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto"}
REPORT = os.open(os.environ["AUDIT_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def audit(event, arguments):
    if event in WATCHED:
        os.write(REPORT, f"{event} {arguments[1:] if event == 'socket.connect' else arguments}\n".encode())


@hookimpl
def llmproxy_configure():
    """From the start on, before anything listens."""
    sys.addaudithook(audit)
