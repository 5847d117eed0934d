// Addresses and ids (ui/static/js/route.js, ids.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse, TABS } from "../../../proxy_daemon/ui/static/js/route.js";
import { after, before, idAt, isId, timeOf } from "../../../proxy_daemon/ui/static/js/ids.js";

const ID = "03783df709f3f8e3";
const nowhere = { id: null, tab: "chat", q: "", at: null };

test("what was formatted parses to the same", () => {
  const words = ["", "a b", "~u \"x&y\" | !~c 500", "%", "#?&=+/", "\u00e9\u4e2d", "'<script>'"];
  for (const id of [null, ID]) {
    for (const tab of id ? TABS : ["chat"]) {
      for (const q of words) for (const at of [null, ID]) assert.deepEqual(parse(format({ id, tab, q, at })), { id, tab, q, at });
    }
  }
});

test("short addresses", () => {
  assert.equal(format({}), "#/");
  assert.equal(format({ id: ID }), `#/x/${ID}`);
  assert.equal(format({ id: ID, tab: "diff" }), `#/x/${ID}/diff`);
});

test("any address parses to some route", () => {
  for (const hash of ["", "#", "#/", "#?", "#/x", "#/x/", "#/x/zz", "#/y/" + ID, "#/x/../../api", "#/?at=zz", "#%", "nonsense"]) {
    assert.deepEqual(parse(hash), nowhere, hash);
  }
  assert.equal(parse(`#/x/${ID}/nothing`).tab, "chat");
  assert.equal(parse("#/?q=%zz").q, "%zz");
});

test("ids: neighbours, times, bounds", () => {
  assert.equal(after(ID), "03783df709f3f8e4");
  assert.equal(before(ID), "03783df709f3f8e2");
  assert.equal(after("7fffffffffffffff"), "7fffffffffffffff");
  assert.equal(before("0000000000000000"), "0000000000000000");
  assert.equal(timeOf(ID), 1_795_298_514_983);
  assert.equal(timeOf(idAt(1_795_298_514_983)), 1_795_298_514_983);
  assert.equal(idAt(0), "0000000000000000");
  assert.ok(idAt(1_795_298_514_983) <= ID && ID < idAt(1_795_298_514_984));
});

test("isId", () => {
  assert.ok(isId(ID));
  for (const wrong of [null, undefined, "", ID + "0", ID.toUpperCase(), "g".repeat(16), 3, {}]) assert.equal(isId(wrong), false);
});
