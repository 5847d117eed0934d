#!/bin/sh
# The tests, with a proxy of their own: run.sh [OPTIONS OF llmproxy run]
cd "$(dirname "$0")" && exec llmproxy run --cassette cassettes/ask.yaml --upstream demo: "$@" -- sh test.sh
