"""Conversations as Markdown that people write, and that `llmproxy export --format markdown` writes; sans-IO."""
