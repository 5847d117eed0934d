"""A child process for what is heavy: a thread would hold the interpreter, and with it all streams."""
