"""The way out: connections of our own around llhttp, their pools, and the client that the pipeline asks."""
