// What the open exchange must know of what happens (ui/static/js/happening.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import { happening } from "../../../proxy_daemon/ui/static/js/happening.js";

const id = (number) => number.toString(16).padStart(16, "0");

test("why one was a miss is kept by its id, and the last one counts", () => {
  happening.explained({ id: id(1), text: "Nearest: a" });
  happening.explained({ id: id(2), text: "Nearest: b" });
  happening.explained({ id: id(1), text: "Nearest: c" });
  assert.deepEqual([...happening.get().explained], [[id(2), "Nearest: b"], [id(1), "Nearest: c"]]);
});

test("the oldest are forgotten", () => {
  for (let number = 0; number < 2000; number++) happening.explained({ id: id(number), text: "x" });
  const { explained } = happening.get();
  assert.ok(explained.size <= 500);
  assert.ok(explained.has(id(1999)) && !explained.has(id(0)));
});

test("what is under way is known until it has ended, and then counts as changed", () => {
  happening.rows([{ id: id(5), state: "streaming" }]);
  assert.ok(happening.get().underWay.has(id(5)));
  happening.rows([{ id: id(5), state: "ended" }]);
  assert.ok(!happening.get().underWay.has(id(5)));
  assert.equal(happening.get().versions.get(id(5)), 1);
});
