/** The hub, by curl alone. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { shell } from "../support/command.ts";
import {
  curl,
  type CurlAnswer,
  serve,
  upload,
} from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";

/** As much of an operation in the description as is looked at. */
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly description: string }>
  >;
}

function assertProblem(
  answer: CurlAnswer,
  status: number,
  code: string,
  title = "",
): void {
  assertEquals(answer.status, status, `${title} ${answer.body}`);
  assertEquals(answer.headers.get("content-type"), "application/problem+json");
  assertEquals(answer.json.status, status);
  assertEquals(answer.json.code, code, title);
}

test(
  "files are uploaded, listed, read, replaced, restored and deleted by curl",
  [
    "curl",
  ],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"));
    const { url, key } = hub;
    Deno.writeFileSync(temp.at("big"), new Random(1).bytes(3_000_000));
    const first = await curl(
      key,
      `${url}/upload`,
      ...["-F", "path=docs/big", "-F", "mtime=1234567890123", "-F", "mode=600"],
      ...["-F", `file=@${temp.at("big")}`],
    );
    assertEquals(first.status, 201, first.body);
    const sum = (await shell(`sha256sum < "$1"`, temp.at("big"))).slice(0, 64);
    const { digest, size, mtime, mode, revision } = first.json;
    assertEquals([digest, size, mtime, mode], [
      sum,
      3_000_000,
      1234567890123,
      "600",
    ]);
    await shell(
      `curl -sf -H "Authorization: Bearer $1" "$2/download/docs/big" | cmp - "$3"`,
      key,
      url,
      temp.at("big"),
    );

    const second = await upload(hub, key, "docs/big", "new", {
      base: revision,
    });
    assertEquals(second.status, 201, second.body);
    const list = await curl(key, `${url}/files?path=docs&limit=1`);
    assertEquals(list.json.records.map((r: { path: string }) => r.path), [
      "docs",
    ]);
    const rest = await curl(
      key,
      `${url}/files?path=docs&after=${list.json.next}`,
    );
    assertEquals(rest.json.records.length, 1);
    assertEquals(rest.json.records[0].revision, second.json.revision);

    const versions = await curl(key, `${url}/files/docs/big/versions`);
    assertEquals(
      versions.json.records.map((r: { revision: number }) => r.revision),
      [second.json.revision, revision],
    );
    const old = await curl(
      key,
      `${url}/download/docs/big?version=${revision}`,
      "-r",
      "0-9",
    );
    assertEquals(old.status, 206);

    const restored = await curl(
      key,
      `${url}/files/docs/big/restore`,
      ...["--json", JSON.stringify({ version: revision })],
    );
    assertEquals(restored.json.digest, sum);
    assert(restored.json.revision > second.json.revision);

    const stale = await curl(
      key,
      `${url}/files/docs/big`,
      ...["-X", "DELETE"],
      "-H",
      'If-Match: "1"',
    );
    assertProblem(stale, 412, "stale");
    assertEquals(stale.json.current.revision, restored.json.revision);
    const tag = `If-Match: "${restored.json.revision}"`;
    const deleted = await curl(
      key,
      `${url}/files/docs/big`,
      "-X",
      "DELETE",
      "-H",
      tag,
    );
    assertEquals(deleted.status, 200, deleted.body);
    assertProblem(
      await curl(key, `${url}/download/docs/big`),
      404,
      "not-found",
    );
    const history = await curl(key, `${url}/history?path=docs/big`);
    assertEquals(
      history.json.records.map((r: { operation: string }) => r.operation),
      ["delete", "restore", "upload", "upload"],
    );
  },
);

test("parts and versions of a file are told by Range and ETag", [
  "curl",
], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const { json } = await upload(hub, "", "f", "0123456789");
  const url = `${hub.url}/download/f`;
  const etag = `"${json.revision}"`;
  const get = (...args: string[]): Promise<CurlAnswer> =>
    curl("", url, ...args);
  const whole = await get();
  assertEquals([whole.body, whole.headers.get("etag")], ["0123456789", etag]);
  assertEquals(whole.headers.get("accept-ranges"), "bytes");
  const part = await get("-r", "3-5");
  assertEquals([part.status, part.body], [206, "345"]);
  assertEquals(part.headers.get("content-range"), "bytes 3-5/10");
  assertEquals((await get("-r", "-2")).body, "89");
  const beyond = await get("-r", "10-");
  assertProblem(beyond, 416, "bad-range");
  assertEquals(beyond.headers.get("content-range"), "bytes */10");
  assertEquals((await get("-H", `If-None-Match: ${etag}`)).status, 304);
  assertEquals((await get("-H", 'If-None-Match: "77"')).status, 200);
  assertEquals((await get("-H", 'If-Match: "77"')).status, 412);
  const other = await get("-r", "3-5", "-H", 'If-Range: "77"');
  assertEquals([other.status, other.body.length], [200, 10]);
  const head = await get("--head");
  assertEquals([head.status, head.headers.get("content-length")], [200, "10"]);
});

test(
  "C11, C12: what comes too late is kept as a conflict, and resolved each way",
  [
    "curl",
  ],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"), ["--no-auth"]);
    const read = async (path: string): Promise<string> =>
      (await curl("", `${hub.url}/download/${path}`)).body;
    const outcomes: Record<string, string[]> = {
      current: ["first", ""],
      other: ["late", ""],
      both: ["first", "late"],
    };
    for (const [keep, [at, copy]] of Object.entries(outcomes)) {
      const path = `${keep}.txt`;
      await upload(hub, "", path, "first", { base: 0 });
      const late = await upload(hub, "", path, "late", { base: 0 });
      assertProblem(late, 409, "stale");
      assertEquals(late.json.current.path, path);
      // An answer that was lost is no conflict.
      assertEquals(
        (await upload(hub, "", path, "first", { base: 0 })).status,
        200,
      );
      const { id } = late.json.conflict;
      const open = await curl("", `${hub.url}/conflicts`);
      assertEquals(open.json.conflicts.map((c: { id: number }) => c.id), [id]);
      const resolve = (): Promise<CurlAnswer> =>
        curl(
          "",
          `${hub.url}/conflicts/${id}/resolve`,
          "--json",
          `{"keep":"${keep}"}`,
        );
      const resolved = await resolve();
      assertEquals(resolved.status, 200, resolved.body);
      assertEquals(await read(path), at);
      if (copy !== "") {
        assertEquals(await read(`${keep}%20(conflict%20${id}).txt`), copy);
      }
      assertProblem(await resolve(), 409, "resolved");
    }
    assertEquals((await curl("", `${hub.url}/conflicts`)).json.conflicts, []);
  },
);

test(
  "C01, C02, C22: keys open what their role and path allow, and nothing else",
  [
    "curl",
  ],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    await using hub = await serve(data);
    const { url } = hub;
    const create = async (...args: string[]): Promise<string> => {
      const ended = await run(["key", "create", "--data-dir", data, ...args]);
      assertEquals(ended.code, 0, ended.stderr);
      return ended.stdout.trim();
    };
    // While the hub runs.
    const reader = await create("--name", "reader", "--role", "read");
    const part = await create("--name", "part", "--path", "mine");
    const brief = await create("--name", "brief", "--expires", "0s");
    await upload(hub, hub.key, "mine/f", "1");
    await upload(hub, hub.key, "other/f", "2");

    const table: [string, number, () => Promise<CurlAnswer>][] = [
      ["no key", 401, () => curl("", `${url}/files`)],
      ["expired", 401, () => curl(brief, `${url}/files`)],
      ["in the address", 400, () => curl("", `${url}/files?api_key=${reader}`)],
      ["health", 200, () => curl("", `${url}/health`)],
      ["read: list", 200, () => curl(reader, `${url}/files`)],
      ["read: get", 200, () => curl(reader, `${url}/download/mine/f`)],
      ["read: put", 403, () => upload(hub, reader, "x", "x")],
      [
        "read: delete",
        403,
        () => curl(reader, `${url}/files/mine/f`, "-X", "DELETE"),
      ],
      [
        "read: restore",
        403,
        () => curl(reader, `${url}/restore`, "--json", '{"at":0}'),
      ],
      [
        "read: undo",
        403,
        () => curl(reader, `${url}/undo`, "--json", '{"client":"admin"}'),
      ],
      ["read: clients", 403, () => curl(reader, `${url}/clients`)],
      ["part: get", 200, () => curl(part, `${url}/download/mine/f`)],
      ["part: get other", 403, () => curl(part, `${url}/download/other/f`)],
      ["part: get none", 403, () => curl(part, `${url}/download/other/none`)],
      ["part: put", 201, () => upload(hub, part, "mine/g", "x")],
      ["part: put other", 403, () => upload(hub, part, "other/g", "x")],
      ["part: look-alike", 403, () => upload(hub, part, "mine2", "x")],
      ["part: escape", 400, () => upload(hub, part, "mine/../other/f", "x")],
      ["part: history", 403, () => curl(part, `${url}/history?path=other`)],
      [
        "part: restore all",
        403,
        () => curl(part, `${url}/restore`, "--json", '{"at":0}'),
      ],
      ["admin: clients", 200, () => curl(hub.key, `${url}/clients`)],
      [
        "a page",
        403,
        () =>
          curl(hub.key, `${url}/files`, "-H", "Origin: https://evil.example"),
      ],
      [
        "another host",
        403,
        () => curl(hub.key, `${url}/health`, "-H", "Host: evil.example"),
      ],
    ];
    for (const [title, status, ask] of table) {
      const answer = await ask();
      assertEquals(answer.status, status, `${title}: ${answer.body}`);
    }
    const seen = await curl(part, `${url}/files`);
    assertEquals(
      seen.json.records.map((r: { path: string }) => r.path),
      ["mine", "mine/f", "mine/g"],
    );
    assertEquals(
      (await run(["key", "revoke", "reader", "--data-dir", data])).code,
      0,
    );
    assertEquals((await curl(reader, `${url}/files`)).status, 401);
    const everything = hub.stdout + hub.stderr;
    for (const key of [reader, part, brief]) assert(!everything.includes(key));
  },
);

const HOSTILE = [
  ...[
    "/etc/x",
    "//x",
    "..",
    "../x",
    "a/../../x",
    "a/..",
    "",
    ".",
    "./a",
    "a//b",
  ],
  ...["a/./b", "a/", "a/b/", ".lockstep", ".lockstep/x", "x".repeat(1021)],
  "d/".repeat(2_100) + "x",
];

test("C07: hostile paths are refused with 400, and nothing is written", [
  "curl",
], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const { url } = hub;
  for (const path of HOSTILE) {
    const title = path.slice(0, 40);
    assertEquals((await upload(hub, "", path, "x")).status, 400, title);
    const json = JSON.stringify({
      files: [{ path, digest: "0".repeat(64) }],
    });
    assertEquals(
      (await curl("", `${url}/sync`, "--json", json)).status,
      400,
      title,
    );
    for (const encode of [encodeURI, encodeURIComponent]) {
      const encoded = encode(path).replaceAll("..", "%2e%2e");
      for (
        const [route, ...args] of [
          [`/download/${encoded}`],
          [`/files/${encoded}`, "-X", "DELETE"],
          [`/files/${encoded}/versions`],
          [`/files/${encoded}/restore`, "--json", '{"version":1}'],
        ]
      ) {
        const answer = await curl("", url + route, ...args);
        assertEquals(answer.status, 400, `${route} ${answer.body}`);
      }
    }
  }
  // NUL, what is no UTF-8, and half a character.
  for (
    const encoded of [
      "a%00b",
      "%ff",
      "%c0%af",
      "%ed%a0%80",
      "%zz",
      "%2e%2e%2fx",
    ]
  ) {
    const answer = await curl("", `${url}/download/${encoded}`);
    assertEquals(answer.status, 400, encoded);
  }
  const form = temp.at("form");
  Deno.writeFileSync(form, Uint8Array.of(0x61, 0xff));
  const bad = await curl("", `${url}/upload`, ...[
    "-F",
    `path=<${form}`,
    "-F",
    "file=x;filename=x",
  ]);
  assertEquals(bad.status, 400, bad.body);
  assertEquals((await curl("", `${url}/files`)).json.records, []);
  assertEquals((await curl("", `${url}/history`)).json.records, []);
});

test("names that are legal are kept as they are", ["curl"], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const names = [
    "a\\b",
    "C:",
    "x:y",
    "CON",
    "trailing.",
    "ü/日本",
    "%2e%2e",
    "__proto__",
    "a b",
    "x?y#z",
    "-rf",
  ];
  for (const name of names) {
    assertEquals((await upload(hub, "", name, "it")).status, 201, name);
    const got = await curl(
      "",
      `${hub.url}/download/${encodeURIComponent(name)}`,
    );
    assertEquals(got.body, "it", name);
  }
});

test(
  "C05, C08, C13: wrong requests are told what is wrong with them",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"), [
      ...["--no-auth", "--max-file-size", "1000"],
    ]);
    const { url } = hub;
    const post = (path: string, ...args: string[]): Promise<CurlAnswer> =>
      curl("", url + path, "-X", "POST", ...args);
    const table: [string, number, Promise<CurlAnswer>][] = [
      ["no route", 404, curl("", `${url}/nonsense`)],
      ["too large", 413, upload(hub, "", "f", "x".repeat(1_001))],
      ["just right", 201, upload(hub, "", "f", "x".repeat(1_000))],
      [
        "other digest",
        422,
        upload(hub, "", "g", "x", { digest: "0".repeat(64) }),
      ],
      ["no digest", 400, upload(hub, "", "g", "x", { digest: "00" })],
      ["mode", 400, upload(hub, "", "g", "x", { mode: "4755" })],
      ["base", 400, upload(hub, "", "g", "x", { base: "-1" })],
      ["mtime", 400, upload(hub, "", "g", "x", { mtime: "NaN" })],
      ["unknown field", 400, upload(hub, "", "g", "x", { colour: "red" })],
      [
        "unknown client",
        400,
        upload(hub, "", "g", "x", { client_id: "0".repeat(32) }),
      ],
      ["no file", 400, curl("", `${url}/upload`, "-F", "path=g")],
      [
        "two files",
        400,
        curl(
          "",
          `${url}/upload`,
          "-F",
          "path=g",
          "-F",
          "file=a;filename=a",
          "-F",
          "file=b;filename=b",
        ),
      ],
      ["no form", 415, post("/upload", "-d", "path=g")],
      [
        "half a form",
        400,
        post(
          "/upload",
          "-H",
          "Content-Type: multipart/form-data; boundary=x",
          "-d",
          "--x\r\nContent-Disposition: form-data",
        ),
      ],
      ["no JSON", 400, post("/register", "--json", "{")],
      [
        "no JSON type",
        415,
        post("/register", "-H", "Content-Type: text/plain", "-d", "{}"),
      ],
      ["extra", 400, post("/register", "--json", '{"name":"x","admin":true}')],
      ["limit", 400, curl("", `${url}/files?limit=100000`)],
      ["version", 400, curl("", `${url}/download/f?version=1e3`)],
      [
        "conflict",
        404,
        post("/conflicts/1/resolve", "--json", '{"keep":"both"}'),
      ],
      ["no version", 404, post("/files/f/restore", "--json", '{"version":99}')],
      ["SQL", 404, curl("", `${url}/download/f'%20OR%20'1'='1`)],
    ];
    for (const [title, status, asked] of table) {
      const answer = await asked;
      assertEquals(answer.status, status, `${title}: ${answer.body}`);
      if (status >= 400) {
        assertEquals(
          answer.headers.get("content-type"),
          "application/problem+json",
        );
        assert(
          !answer.body.includes(temp.path) && !/\bat .*\.ts/.test(answer.body),
        );
      }
    }
    const { records } = (await curl("", `${url}/files`)).json;
    assertEquals(records.length, 1);
  },
);

test("a client's list is compared with the hub's", ["curl"], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"));
  const { url, key } = hub;
  const registered = await curl(
    key,
    `${url}/register`,
    "--json",
    '{"name":"laptop"}',
  );
  assertEquals(registered.status, 201);
  const { client_id, epoch } = registered.json;
  const put = async (
    path: string,
    content: string,
  ): Promise<{ revision: number; digest: string }> =>
    (await upload(hub, key, path, content, { client_id })).json;
  const same = await put("same", "same");
  const theirs = await put("theirs", "one");
  await put("theirs", "two");
  const mine = await put("mine", "one");
  const dropped = await put("dropped", "x");
  const removed = await put("removed", "x");
  await curl(key, `${url}/files/removed`, "-X", "DELETE");
  const both = await put("both", "one");
  await put("both", "two");
  await put("new", "x");
  const digest = "f".repeat(64);
  const body = {
    client_id,
    epoch,
    files: [
      { path: "same", digest: same.digest, revision: same.revision },
      { path: "theirs", digest: theirs.digest, revision: theirs.revision },
      { path: "mine", digest, revision: mine.revision },
      { path: "removed", digest: removed.digest, revision: removed.revision },
      { path: "both", digest, revision: both.revision },
      { path: "mine too", digest },
    ],
    deleted: [{ path: "dropped", revision: dropped.revision }],
  };
  const answer = await curl(key, `${url}/sync`, "--json", JSON.stringify(body));
  assertEquals(answer.status, 200, answer.body);
  const paths = (list: { path: string }[]): string[] =>
    list.map(({ path }) => path);
  const plan = answer.json;
  assertEquals(paths(plan.send), ["mine", "mine too"]);
  assertEquals(plan.send[0].base, mine.revision);
  assertEquals(paths(plan.fetch), ["new", "theirs"]);
  assertEquals(paths(plan.delete), ["removed"]);
  assertEquals(paths(plan.remove), ["dropped"]);
  assertEquals(paths(plan.conflicts), ["both"]);
  // A client of another hub: nothing of what it says about revisions counts.
  const stranger = { ...body, epoch: "0".repeat(32) };
  const careful =
    (await curl(key, `${url}/sync`, "--json", JSON.stringify(stranger))).json;
  assertEquals([careful.delete, careful.remove], [[], []]);
  const { clients } = (await curl(key, `${url}/clients`)).json;
  assertEquals([clients[0].name, clients[0].online], ["laptop", false]);
  assert(clients[0].lag > 0);
});

test("the description of the REST side is whole, and the figures can be read", [
  "curl",
], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  await upload(hub, "", "f", "12345");
  const { json: api } = await curl("", `${hub.url}/openapi.json`);
  assertEquals(api.openapi, "3.1.0");
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method} ${path}`)
  );
  for (
    const route of [
      "post /upload",
      "get /download/{path}",
      "delete /files/{path}",
      "post /sync",
      "get /events",
    ]
  ) {
    assert(operations.includes(route), route);
  }
  const ids = new Set<string>();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (
      const operation of Object.values(methods as Record<string, Operation>)
    ) {
      ids.add(operation.operationId);
      assert(
        Object.keys(operation.responses).some((status) =>
          status.startsWith("2")
        ),
      );
      const named = operation.parameters.filter((p: { in: string }) =>
        p.in === "path"
      );
      assertEquals(named.length, path.split("{").length - 1, path);
      for (const response of Object.values(operation.responses)) {
        assertEquals(typeof response.description, "string");
      }
    }
  }
  assertEquals(ids.size, operations.length, "ids are unique");
  // Nothing refers to what is not there.
  for (const [, name] of JSON.stringify(api).matchAll(/"\$ref":"([^"]*)"/g)) {
    const found = name!.slice(2).split("/").reduce((at, key) => at?.[key], api);
    assert(found !== undefined, name);
  }

  const { body, headers } = await curl("", `${hub.url}/metrics`);
  assertMatch(headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  const values = new Map<string, number>();
  const types = new Set<string>();
  for (const line of body.trimEnd().split("\n")) {
    const type = /^# TYPE (\w+) (counter|gauge)$/.exec(line);
    if (type !== null) types.add(type[1]!);
    if (line.startsWith("#")) continue;
    const [, name, value] =
      /^(\w+)(?:\{\w+="[^"]*"\})? (-?\d+(?:\.\d+)?)$/.exec(line) ?? [];
    assert(name !== undefined, line);
    assert(types.has(name), line);
    values.set(name, Number(value));
  }
  assertEquals(values.get("lockstep_hub_files"), 1);
  assertEquals(values.get("lockstep_hub_file_bytes"), 5);
});
