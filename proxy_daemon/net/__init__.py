"""Sockets: the front for clients, the client for upstreams, the relay between."""
