#!/bin/sh
# All answers come from cassettes/ask.yaml.
set -eu
cd "$(dirname "$0")"

sh ask.sh "What is the capital of France?" | grep -q Paris
echo "ok: a capital"

sh ask.sh "What is the capital of Japan?" >/dev/null 2>&1 || true
echo "ok: a program that swallows errors (without an answer llmproxy lets the run fail)"

[ "$(sh ask.sh "Tell me a story about the sea." stream | grep -c '^data: {')" -gt 1 ]
echo "ok: a story comes in pieces"
