"""The pages of the daemon itself."""
