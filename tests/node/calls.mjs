// A client program on the unmodified Node `openai` package: every kind of call, each answer as one JSON line.
//
// Knows nothing of the proxy: OPENAI_BASE_URL says where to ask. Run by tests/clients/test_clients_node.py.

import { readFileSync } from "node:fs";
import OpenAI from "openai";

const HELLO = [{ role: "user", content: "What is the capital of France?" }];
const WEATHER = [{ role: "user", content: "How is the weather in Paris?" }];
const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const FUNCTION = { name: "get_weather", description: "The weather in a city", parameters: PARAMETERS };
const TOOL = { type: "function", function: FUNCTION };
const model = "demo-fast";

const client = new OpenAI();

const calls = {
  models: async () => [...(await all(await client.models.list())), await client.models.retrieve("demo-1")],
  chat: async () => [await client.chat.completions.create({ model, messages: HELLO })],
  stream: async () => all(await client.chat.completions.create({ model, messages: HELLO, stream: true })),
  tools: async () => [await client.chat.completions.create({ model, messages: WEATHER, tools: [TOOL] })],
  tool_stream: async () =>
    all(await client.chat.completions.create({ model, messages: WEATHER, tools: [TOOL], stream: true })),
  tool_result: toolResult,
  responses: async () => [await client.responses.create({ model, input: HELLO })],
  response_stream: async () => all(await client.responses.create({ model, input: HELLO, stream: true })),
  embeddings: async () => [await client.embeddings.create({ model: "demo-embedding", input: ["one", "two"] })],
  asynchronous: () => Promise.all(["one", "two", "three", "four"].map(ask)),
};

// The second half of a tool call: the answer of the first is part of the request.
async function toolResult() {
  const asked = (await calls.tools())[0].choices[0].message;
  const results = asked.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" }));
  return [await client.chat.completions.create({ model, messages: [...WEATHER, asked, ...results], tools: [TOOL] })];
}

function ask(text) {
  return client.chat.completions.create({ model, messages: [{ role: "user", content: text }] });
}

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

const { version } = JSON.parse(readFileSync(new URL("node_modules/openai/package.json", import.meta.url)));
console.log(JSON.stringify(["version", version]));
for (const [name, call] of Object.entries(calls)) console.log(JSON.stringify([name, await call()]));
