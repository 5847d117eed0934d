// All answers come from cassettes/guide.yaml.

import assert from "node:assert/strict";
import { test } from "node:test";
import { capital, capitalOrNothing, told } from "./guide.mjs";

test("a capital", async () => {
  assert.match(await capital("France"), /Paris/);
});

test("a program that swallows errors: it would pass without an answer, llmproxy lets the run fail", async () => {
  assert.equal(typeof (await capitalOrNothing("Japan")), "string");
});

test("a story comes in pieces", async () => {
  const pieces = [];
  for await (const piece of told("the sea")) pieces.push(piece);
  assert.ok(pieces.length > 1);
});
