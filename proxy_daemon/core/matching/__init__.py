"""When two requests are the same, and how two differ."""
