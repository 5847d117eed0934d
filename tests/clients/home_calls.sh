# A client program on curl: a plain call and a stream. Prints what came; each address that it tried stands in what curl
# says on the standard error. Run by test_clients_home.py.
set -eu
for streams in true false; do
  curl --verbose --no-progress-meter --fail-with-body "$OPENAI_BASE_URL/chat/completions" \
    --header "Authorization: Bearer ${OPENAI_API_KEY}" --header "Content-Type: application/json" \
    --data "{\"model\":\"model-1\",\"stream\":$streams,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
done
echo
echo "$LLMPROXY_URL"
