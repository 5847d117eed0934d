"""How a conversation is told to a person who reads along: what is new of it, in whose turn, cut where it can be drawn.

Sans-IO: text and times go in, text comes out. Nothing here knows a terminal. Called by `plugins/console/`.
"""
