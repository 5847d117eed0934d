"""What the `llmproxy` command does."""
