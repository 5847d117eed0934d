"""Two recordings, or two files of them, compared by what is said: for `llmproxy diff`."""
