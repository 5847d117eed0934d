"""What of a request counts, and in which form: the rules behind `../fingerprint.py`."""
