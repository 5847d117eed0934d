"""Writes into a cassette of another tool's format, killed at the N-th call of the operating system.

Run by test_store_cassette_foreign_killed.py: FORM FOLDER NAME OPTION..., in FOLDER a folder for each N; prints for each
whether it was killed.
"""

import os
import signal
import sys
from pathlib import Path

from cassettes import recorded
from test_store_cassette_foreign_written import Played

CALLS = ("open", "pwrite", "write", "fsync", "replace", "link", "unlink", "close", "fchmod", "ftruncate")


def counted(function, numbers, last):
    def call(*arguments, **more):
        if next(numbers) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **more)

    return call


def write(form, path, last, options):
    one = Played(form, path, increment="--increment" in options)
    numbers = iter(range(1, 1000))
    for name in CALLS:
        setattr(os, name, counted(getattr(os, name), numbers, last))
    one.put(recorded("b", "2" * 9999))
    one.cassette.close()


form, folder, name, *options = sys.argv[1:]
for number in sorted(int(each.name) for each in Path(folder).iterdir()):
    child = os.fork()
    if not child:
        write(form, Path(folder) / str(number) / name, number, options)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, flush=True)
