#!/bin/sh
# Asks an LLM by curl. It knows nothing of llmproxy: OPENAI_BASE_URL and OPENAI_API_KEY say where to ask, and as whom.
#   ask.sh QUESTION [stream]
# A question with quotes or backslashes needs escapes, as in JSON.
set -eu

[ "${2-}" = stream ] && streams=true || streams=false
curl --silent --show-error --fail-with-body --no-buffer "$OPENAI_BASE_URL/chat/completions" \
  --header "Authorization: Bearer ${OPENAI_API_KEY-none}" --header "Content-Type: application/json" \
  --data "{\"model\":\"demo-fast\",\"stream\":$streams,\"messages\":[{\"role\":\"user\",\"content\":\"$1\"}]}"
