"""Cassettes of promptecho, read and written."""
