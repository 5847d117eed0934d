"""Anthropic's Messages API, on its own host and, for Claude, on Vertex."""
