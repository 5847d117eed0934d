"""HAR 1.2, read and written."""
