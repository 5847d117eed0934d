"""Lets the tests in the folders import what they share: `bodies_of_requests.py`, `renaming_shapes.py`."""
