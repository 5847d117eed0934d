"""Recordings that answer more requests than their own."""
