import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type ConfigStore, Registry } from "../../../src/daemon/registry.ts";
import type {
  RemoteConfig,
  WorkspaceConfig,
} from "../../../src/daemon/workspace_config.ts";
import { SyncError, UsageError } from "../../../src/errors.ts";

/** A file in memory. */
class MemoryStore implements ConfigStore {
  readonly name = "/config";
  fault: Error | undefined;

  constructor(public text: string | undefined = undefined) {}

  read(): string | undefined {
    return this.text;
  }

  write(text: string): void {
    if (this.fault !== undefined) throw this.fault;
    this.text = text;
  }
}

const ALL_WELL = { checkOptions: (): void => {}, check: (): void => {} };

function workspace(name: string): WorkspaceConfig {
  return { name, path: `/${name}`, paused: false, options: {}, remotes: [] };
}

function remote(name: string): RemoteConfig {
  return { name, to: `/${name}`, paused: false, options: {}, token: undefined };
}

function codeOf(act: () => unknown): string {
  return assertThrows(act, SyncError).code;
}

Deno.test("a registry remembers what was done, for the next one", () => {
  const store = new MemoryStore();
  const registry = new Registry(store, ALL_WELL);
  registry.add(workspace("a"));
  registry.add(workspace("b"));
  registry.attach("a", { ...remote("r"), token: "secret" });
  registry.attach("A", remote("s"));
  registry.pause("a", "r", true);
  registry.pause("b", undefined, true);
  registry.detach("a", "S");
  const again = new Registry(store, ALL_WELL).all;
  assertEquals(again, registry.all);
  assertEquals(again, [
    {
      ...workspace("a"),
      remotes: [{ ...remote("r"), paused: true, token: "secret" }],
    },
    { ...workspace("b"), paused: true },
  ]);
  registry.remove("b");
  assertEquals(new Registry(store, ALL_WELL).all.length, 1);
});

Deno.test("what was allowed for a first round is forgotten when it is complete", () => {
  const store = new MemoryStore();
  const registry = new Registry(store, ALL_WELL);
  const options = { "max-delete": "2", "allow-new-root": true } as const;
  registry.add(workspace("a"));
  registry.attach("a", {
    ...remote("r"),
    options: { ...options, "allow-delete": "all" },
  });
  registry.attach("a", {
    ...remote("s"),
    options: { ...options, "allow-delete": "always" },
  });
  assertEquals(
    registry.answered("a", "r")?.remotes.map((one) => Object.keys(one.options)),
    [["max-delete"], ["max-delete", "allow-new-root", "allow-delete"]],
  );
  registry.answered("a", "s");
  assertEquals(registry.answered("a", "s"), undefined);
  assertEquals(new Registry(store, ALL_WELL).all[0]!.remotes[1]!.options, {
    "max-delete": "2",
    "allow-delete": "always",
  });
});

Deno.test("names are unique, whatever their case, and what is not there is named", () => {
  const registry = new Registry(new MemoryStore(), ALL_WELL);
  registry.add(workspace("a"));
  registry.attach("a", remote("r"));
  assertEquals(codeOf(() => registry.add(workspace("A"))), "exists");
  assertEquals(codeOf(() => registry.attach("a", remote("R"))), "exists");
  assertEquals(codeOf(() => registry.get("b")), "not-found");
  assertEquals(codeOf(() => registry.remove("b")), "not-found");
  assertEquals(codeOf(() => registry.detach("a", "x")), "not-found");
  assertEquals(codeOf(() => registry.pause("a", "x", true)), "not-found");
});

Deno.test("what can't be written, or is refused, has not happened", () => {
  const store = new MemoryStore();
  const refusals: Error[] = [];
  const registry = new Registry(store, {
    ...ALL_WELL,
    check(): void {
      for (const refusal of refusals) throw refusal;
    },
  });
  registry.add(workspace("a"));
  const { text } = store;
  store.fault = new SyncError("no-space", "The disk is full");
  assertEquals(codeOf(() => registry.add(workspace("b"))), "no-space");
  assertEquals(codeOf(() => registry.attach("a", remote("r"))), "no-space");
  assertEquals(codeOf(() => registry.remove("a")), "no-space");
  store.fault = undefined;
  refusals.push(new UsageError("Not so"));
  assertEquals(codeOf(() => registry.attach("a", remote("r"))), "usage");
  assertEquals(registry.all, [workspace("a")]);
  assertEquals(store.text, text);
});

Deno.test("what somebody else has written is not overwritten", () => {
  const store = new MemoryStore();
  const registry = new Registry(store, ALL_WELL);
  registry.add(workspace("a"));
  for (const text of [`${store.text}\n`, undefined]) {
    store.text = text;
    const error = assertThrows(() => registry.add(workspace("b")), SyncError);
    assertStringIncludes(error.message, "changed by somebody else");
    assertEquals(store.text, text);
  }
});

const HEAD = '"format":"lockstep-workspaces","version":1';
const one = (fields: string): string =>
  `{${HEAD},"workspaces":[{"name":"a","path":"/a"${fields}}]}`;

for (
  const [text, message] of [
    ["", "it is no JSON"],
    ["null", "the file is no object"],
    ['{"format":"x"}', 'format is not "lockstep-workspaces"'],
    ['{"format":"lockstep-workspaces","version":2}', 'it has version "2"'],
    [`{${HEAD}}`, "workspaces is no list"],
    [`{${HEAD},"workspaces":[],"more":1}`, 'the file has a field "more"'],
    [`{${HEAD},"workspaces":[1]}`, "workspaces[0] is no object"],
    [`{${HEAD},"workspaces":[{"name":"a","path":"a"}]}`, "workspaces[0].path"],
    [`{${HEAD},"workspaces":[{"name":"..","path":"/"}]}`, "workspaces[0].name"],
    [one('},{"name":"A","path":"/b"'), 'workspaces[1].name "A" is there twice'],
    [one(',"paused":1'), "workspaces[0].paused is neither"],
    [one(',"__proto__":{}'), 'workspaces[0] has a field "__proto__"'],
    [one(',"options":{"x":false}'), "workspaces[0].options.x is no list"],
    [one(',"options":{"--x":"1"}'), 'a field "--x", which is no option'],
    [one(',"options":{"x":["\\u0000"]}'), "workspaces[0].options.x[0]"],
    [one(',"remotes":{}'), "workspaces[0].remotes is no list"],
    [one(',"remotes":[{"name":"r","to":"x"}]'), "workspaces[0].remotes[0].to"],
    [
      one(',"remotes":[{"name":"r","to":"/x","token":"a b"}]'),
      "workspaces[0].remotes[0].token is no token",
    ],
    [
      one(`,"remotes":[${'{"name":"r","to":"/x"},'.repeat(64)}1]`),
      "workspaces[0].remotes has 65 entries",
    ],
  ] as const
) {
  Deno.test(`a file of workspaces is refused: ${message}`, () => {
    const store = new MemoryStore(text);
    const error = assertThrows(() => new Registry(store, ALL_WELL), UsageError);
    assertStringIncludes(error.message, message);
    assertStringIncludes(error.message, "/config");
    assertEquals(store.text, text);
  });
}
