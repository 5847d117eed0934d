"""Fixtures of aimock."""
