"""Requests that carry a written conversation, in the words of an API: one file an API."""
