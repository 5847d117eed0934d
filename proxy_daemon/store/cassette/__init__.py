"""A cassette file on the disk as a `Store`: look-ups from memory, appends by a thread under a lock.

`Cassette.open` is the way in (`cassette.py`); `care.py` writes a file anew for `llmproxy prune`, `lint` and `sort`.
What a document says is `core/cassettes/llmproxy`'s business; here is where it lies and when it is safe.
"""
