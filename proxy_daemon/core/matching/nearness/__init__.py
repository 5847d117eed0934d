"""How near two requests are, what differs, and whether one may answer for the other. For near misses."""
