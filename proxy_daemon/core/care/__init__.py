"""Care for the documents of cassettes: what is wrong with them, which nobody needs, in which order they stand."""
