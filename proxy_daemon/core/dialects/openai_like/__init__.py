"""APIs that speak like OpenAI's, with paths and fields of their own."""
