"""`llmproxy token NAME`: a new token for a client, and the line for the configuration file that lets it in.

The token is shown once. The daemon needs its hash only.
"""

from __future__ import annotations

import secrets
import sys

from proxy_daemon.core.tokens import SIZE, new_token, table_line

USAGE = "usage: llmproxy token NAME    (letters, digits and .-_; for example: llmproxy token search-team)\n"
HINT = """
The first line is the token. It is shown this once: give it to the client, which sends it in the field X-LLMProxy-Token,
or as its API key. The lines below it go to the end of the file that --config names; then reload the daemon (SIGHUP).
"""


def run(arguments: list[str]) -> int:
    """Print it. Returns the exit code."""
    token = new_token(secrets.token_bytes(SIZE))
    try:
        (name,) = arguments
        line = table_line(name, token)
    except ValueError:
        sys.stderr.write(USAGE)
        return 2
    sys.stdout.write(f"{token}\n\n[client-tokens]\n{line}\n")
    sys.stderr.write(HINT)
    return 0
