// What the daemon refused, in words (ui/static/js/api.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, get, put } from "../../../proxy_daemon/ui/static/js/api.js";

const REFUSED = [
  ["a page's", 400, { error: "there is no such mode", at: 3 }, "there is no such mode"],
  ["at the door", 401, { error: { message: "only with the admin token", type: "x" } }, "only with the admin token"],
  ["nothing", 502, {}, "The daemon refused, with status 502."],
  ["null", 500, null, "The daemon refused, with status 500."],
];

for (const [name, status, value, words] of REFUSED) {
  test(`a refusal is told in words: ${name}`, async () => {
    globalThis.fetch = async () => new Response(JSON.stringify(value), { status });
    await assert.rejects(get("mode"), (fault) => fault instanceof Fault && fault.message === words && fault.status === status);
  });
}

test("what is no JSON, and a daemon that is gone", async () => {
  globalThis.fetch = async () => new Response("<html>", { status: 502 });
  await assert.rejects(get("mode"), /status 502/);
  globalThis.fetch = async () => { throw new TypeError("network"); };
  await assert.rejects(get("mode"), (fault) => fault.status === 0);
});

test("where the daemon began anew its new token is asked for, once", async () => {
  const asked = [];
  let current = "first";
  globalThis.fetch = async (address, { method, headers }) => {
    asked.push(method);
    if (method === "GET") return new Response(JSON.stringify({ token: current }));
    return headers["x-llmproxy-token"] === current ? new Response("{}") : new Response('{"error":{"message":"no"}}', { status: 403 });
  };
  await put("mode", { mode: "none" });
  current = "second";
  await put("mode", { mode: "none" });
  assert.deepEqual(asked, ["GET", "PUT", "PUT", "GET", "PUT"]);
});
