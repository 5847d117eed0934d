"""Google's Gemini API, on its own host and on Vertex."""
