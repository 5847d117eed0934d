// A client program on the Node `openai` package: a plain call and a stream, then where the proxy is and each address
// that a socket of this process was told to go to. Prints lines of JSON; any error ends it.
//
// All of Node's TCP, that of its own `fetch` too, goes by Socket.prototype.connect. Run by
// tests/clients/test_clients_home.py.

import dns from "node:dns";
import net from "node:net";

const places = new Set();
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [first] = given;
  const { host, port, path } = Array.isArray(first) ? first[0] : typeof first === "object" ? first : { path: `${first}` };
  places.add(path ?? `${host}:${port}`);
  return connect.apply(this, given);
};
const { lookup } = dns;
dns.lookup = (name, ...given) => (places.add(`name ${name}`), lookup(name, ...given));

const { default: OpenAI } = await import("openai");
const client = new OpenAI();
const asked = { model: "model-1", messages: [{ role: "user", content: "How is the weather in Zürich?" }] };

const pieces = [];
for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
  pieces.push(chunk.choices[0]?.delta.content ?? "");
console.log(JSON.stringify(pieces.join("")));
console.log(JSON.stringify((await client.chat.completions.create(asked)).choices[0].message.content));
console.log(JSON.stringify([process.env.LLMPROXY_URL.replace("http://", ""), [...places].sort()]));
