"""OpenAI's API, one file an endpoint family: chat completions, Responses, embeddings and the rest."""
