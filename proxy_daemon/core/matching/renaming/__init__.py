"""Conversations that differ in the ids which servers mint: found, and answered with the live one's ids."""
