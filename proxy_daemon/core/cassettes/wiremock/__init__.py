"""WireMock's mappings, as patterns."""
