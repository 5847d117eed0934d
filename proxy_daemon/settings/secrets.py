"""Secrets that stand in files of their own, never on the command line: the admin token.

Called by `tap.py` at the start and at a reload, and by commands that ask a daemon. Errors are one line that names the
file, never what is in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from proxy_daemon.core.tokens import LONGEST, admin_digest
from proxy_daemon.settings import Settings, SettingsError

CREDENTIAL = "admin-token"  # its name with systemd's LoadCredential=
OTHERS, OTHERS_AND_GROUP = 0o007, 0o077
ENOUGH = 4 * LONGEST  # octets: a longer file is refused, whatever follows


def admin_token(settings: Settings, environ: Mapping[str, str]) -> bytes:
    """The admin token's digest; empty where there is none. Raises `SettingsError`.

    Without `--admin-token-file` it is what the service manager hands over (https://systemd.io/CREDENTIALS/).
    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    handed_over = Path(folder) / CREDENTIAL
    if settings.admin_token_file:
        path = Path(os.path.expanduser(settings.admin_token_file))  # noqa: PTH111  (Path's raises where there is no home)
    elif folder and handed_over.exists():
        path = handed_over
    else:
        return b""
    return admin_digest(_token(path, folder))


def token_in(name: str) -> str:
    """The admin token that a file holds, for a client that asks with it. Raises `SettingsError`."""
    path = Path(os.path.expanduser(name))  # noqa: PTH111  (as above)
    return _token(path, "")


def _token(path: Path, folder: str) -> str:
    # systemd lets its user in by an access list, which the bits of the group then stand for
    closed = OTHERS if folder and path.parent == Path(folder) else OTHERS_AND_GROUP
    try:
        return _checked(_read(path, closed))
    except OSError as error:
        raise SettingsError(f"the admin token's file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"the admin token's file {path} {error}") from error


def _checked(text: str) -> str:
    """Raises ValueError for what no admin token is."""
    admin_digest(text)
    return text.strip()


def _read(path: Path, closed: int) -> str:
    """A small private file. ``closed``: bits of its mode that must not be set."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would hold up the start
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("is no file")
        if mode & closed:
            raise ValueError(f"can be read by others than its owner: chmod 600 {path}")
        text = file.read(ENOUGH + 1).decode("latin-1")
    return text if len(text) <= ENOUGH else ""
