"""Cassettes in tests: `proxy_daemon.use_cassette` and what the pytest plugin stands on. Stdlib and attrs only.

`asked.py` what a test asks for; `place.py` which file; `daemon.py` the one daemon of a process; `environment.py` the
clients' variables; `cassette.py` a file in use; `told.py` why a test fails; `use_cassette.py` decorator and `with`.
"""
