"""The searchable index of a store, in a file of its own beside it: what filters ask, and each message once.

It holds nothing that could not be made anew. `asking.py` answers questions by it, for `work/` and for `llmproxy list`.
"""
