"""`llmproxy edit`: the answer of an exchange as YAML, in an editor, from a file, or as one text; then to the daemon.

Invariant: the daemon gets nothing where nothing was changed; what a person has written is not lost where it is wrong.
The file that an editor sees is its owner's alone, and goes when the edit is done. Called by `acting.py`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from attrs import frozen

from proxy_daemon.cli.asking import Address, NoAnswer, ask
from proxy_daemon.cli.given import octets
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.cassettes import MOST, Unreadable
from proxy_daemon.core.cassettes.llmproxy.tree import NotInYaml, Prose, block
from proxy_daemon.core.cassettes.llmproxy.wrong import line_of
from proxy_daemon.core.cassettes.yaml_text import NotYaml, load

HEAD = """\
# The answer of exchange {id}. What stands here when you leave the editor is served from then on, as a document and as a
# stream. Change its texts; of the parts, text, reasoning, declined and call can be changed. Change nothing, and nothing
# happens.
"""
WORDS = frozenset(("text", "reasoning", "declined"))  # members that people write
_PLACE = re.compile(r"\b(answer(?:\.\w+)*): ")


@frozen
class Given:
    """What the command line says: one of them, or neither."""

    text: str | None = None
    file: str | None = None


class WrongAnswer(Exception):
    """The daemon, or YAML, does not take what was written. The message says where."""


def edited(daemon: Address, page: str, given: Given) -> str | None:
    """The id of the new recording; None where nothing was changed. Raises `NoAnswer`, ValueError for wrong usage."""
    found = ask(daemon, "GET", f"{page}/answer", {})
    if not isinstance(found, dict) or not isinstance(found.get("answer"), dict):
        raise NoAnswer(f"{daemon.url}: the answer is none of an llmproxy of this version")
    if found.get("why_not"):
        raise NoAnswer(str(found["why_not"]))
    before = found["answer"]
    if given.text is None and given.file is None:
        return _in_editor(daemon, page, before, str(found.get("id")))
    section = _with_text(before, given.text) if given.text is not None else _of_file(str(given.file))
    return None if section == before else _sent(daemon, page, section)


def _with_text(before: dict[str, Any], text: str) -> dict[str, Any]:
    """One text in the place of all parts. Raises ValueError."""
    if "choices" in before:
        raise ValueError("--text: the answer has several choices; edit it in an editor, or by --file")
    kept = {name: value for name, value in before.items() if name not in ("text", "parts")}
    calls = any(isinstance(each, dict) and "call" in each for each in before.get("parts", ()))
    return kept | {"text": text} | ({"finish": "stop"} if calls else {})


def _of_file(name: str) -> Any:
    """Raises ValueError."""
    try:
        data = sys.stdin.buffer.read(MOST + 1) if name == "-" else octets(name)
        return _section(data)
    except Unreadable as error:
        raise ValueError(f"--file: {error}") from None
    except WrongAnswer as error:
        raise ValueError(f"--file: {name}: {error}") from None


def _section(data: bytes) -> Any:
    """What is written, with or without `answer:` above it. Raises `WrongAnswer`."""
    try:
        found = load(data, strict=True)
    except NotYaml as error:
        raise WrongAnswer(str(error)) from None
    return found["answer"] if isinstance(found, dict) and found.keys() == {"answer"} else found


def _sent(daemon: Address, page: str, section: Any) -> str:
    found = ask(daemon, "PUT", f"{page}/answer", {}, section)
    made = found.get("id") if isinstance(found, dict) else None
    if not isinstance(made, str):
        raise NoAnswer(f"{daemon.url}: the answer is none of an llmproxy of this version")
    return made


# --- in an editor ----------------------------------------------------------------------------------------------------


def _in_editor(daemon: Address, page: str, before: dict[str, Any], exchange: str) -> str | None:
    """Again and again, as long as what was written is wrong and somebody wants to go on."""
    editor = _editor()
    file = Path(tempfile.mkdtemp(prefix="llmproxy-")) / f"answer-{exchange}.yaml"  # its owner's alone
    file.write_bytes(_written(before, exchange))
    while True:
        data = _called(editor, file)
        try:
            section = _section(data)
            made = None if section == before else _sent(daemon, page, section)
        except (WrongAnswer, NoAnswer) as error:
            told = placed(str(error), data)
            if not _goes_on(told):
                raise NoAnswer(f"{told}; what was written is in {file}") from None
        else:
            shutil.rmtree(file.parent)
            return made


def _editor() -> list[str]:
    """Raises ValueError."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise ValueError("set $VISUAL or $EDITOR to your editor, or give the answer by --text or --file")
    return words


def _called(editor: list[str], file: Path) -> bytes:
    """What is in the file once the editor has ended. Raises `NoAnswer`."""
    try:
        code = subprocess.run([*editor, str(file)], check=False).returncode  # noqa: S603  (who calls has named it)
        data = file.read_bytes()
    except OSError as error:
        raise NoAnswer(f"the editor {editor[0]} cannot be used: {error.strerror or error}; see {file}") from error
    if code:
        raise NoAnswer(f"the editor {editor[0]} ended with {code}: nothing is changed; see {file}")
    return data


def _written(before: dict[str, Any], exchange: str) -> bytes:
    """The section as a cassette has it. Raises `NoAnswer`."""
    try:
        text = f"answer:{block(_prose(before), '  ')}\n"
    except NotInYaml:
        raise NoAnswer("the answer cannot be written as YAML: give another one by --text or --file") from None
    return (HEAD.format(id=exchange) + text).encode("utf-8", "replace")


def _prose(value: Any, name: str = "") -> Any:
    """Texts that people write as blocks: words change line by line."""
    if isinstance(value, str) and name in WORDS:
        return Prose(value)
    if isinstance(value, list):
        return [_prose(each) for each in value]
    return {key: _prose(each, key) for key, each in value.items()} if isinstance(value, dict) else value


def placed(reason: str, data: bytes) -> str:
    """With the line, where the reason names a member."""
    found = _PLACE.search(reason)
    if found is None:
        return reason
    line = line_of(data, tuple(found[1].split("."))) + 1
    return f"line {line}: {reason[found.start(1) :]}"


def _goes_on(told: str) -> bool:
    """Whether somebody is there who wants to change it again."""
    sys.stderr.write(f"llmproxy edit: {one_line(told)}\n")
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("edit it again? [Y/n] ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    return bool(line) and not line.strip().lower().startswith("n")
