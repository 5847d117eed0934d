"""llmproxy's own cassettes: YAML that people read in a pull request, one document a recording.

The interface:

* `HEADER`: the first line of a file. A file is `HEADER` and documents, one behind the other; no blank lines needed.
* `written(recording, dialects)` gives `Written`: one document and the files beside it. Raises OSError where a body
  cannot be read. What the file keeps of a recording: see `writing.py`.
* `read(file, data, beside, dialects)` gives `Entry` or `Damaged` for each document, in order. Raises `Unreadable` where
  the whole file is none of ours or of a newer version. An empty file has no entries.
* `checked(entry, dialects)`: why the decoded answer is not what was recorded; empty where it is. For a sealed entry it
  is asked when it is served for the first time; for others `read` has asked.
* `same_answer(old, new, dialects)`: whether a new recording says what the old entry says: the old document is kept.
* `LlmproxyCassette`: the `Format` for `llmproxy import` and `llmproxy show`.

A document ends in a line that begins with `...`: without it, it was cut off (a crash while it was appended).
"""

from proxy_daemon.core.cassettes.llmproxy.checking import checked, same_answer
from proxy_daemon.core.cassettes.llmproxy.format import LlmproxyCassette
from proxy_daemon.core.cassettes.llmproxy.reading import read
from proxy_daemon.core.cassettes.llmproxy.values import HEADER, INLINE, VERSION, Beside, Damaged, Entry, Written
from proxy_daemon.core.cassettes.llmproxy.writing import written

__all__ = (
    "HEADER",
    "INLINE",
    "VERSION",
    "Beside",
    "Damaged",
    "Entry",
    "LlmproxyCassette",
    "Written",
    "checked",
    "read",
    "same_answer",
    "written",
)
