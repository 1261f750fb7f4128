/**
 * Imports point down, and what is to be pure is pure. The files are read by
 * Deno's own parser, so nothing in a comment or a string counts.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join, normalize } from "@std/path";
import { exists } from "./support/disk_tree.ts";

/** Every folder of `src/` and its height; an import goes to a lower one. */
const HEIGHTS: Readonly<Record<string, number>> = {
  "errors.ts": 0,
  core: 1,
  content: 2,
  protocol: 2,
  fs: 3,
  net: 3,
  session: 4,
  daemon: 5,
  hub: 5,
  replicator: 5,
  cli: 6,
  "main.ts": 7,
  "mod.ts": 7,
  "std.d.ts": 7,
};

/** They touch no disk, no socket and no clock. */
const PURE = ["core", "content", "protocol"];

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** What a module reaches for. */
interface Uses {
  /** As written, of imports, exports and types, static or not. */
  readonly specifiers: readonly string[];
  readonly deno: boolean;
}

Deno.test("imports point down, from main.ts to errors.ts", () => {
  const faults = sourceFiles().flatMap((file) =>
    upwardImports(file, usesOf(file, read(file)).specifiers)
  );
  assertEquals(faults, []);
});

Deno.test("pure folders, the session and memory adapters leave Deno and node:fs alone", () => {
  const faults = sourceFiles().flatMap((file) =>
    impurities(file, usesOf(file, read(file)))
  );
  assertEquals(faults, []);
});

Deno.test("every folder of src/ has a height", () => {
  const names = [...Deno.readDirSync(join(ROOT, "src"))].map((e) => e.name);
  assertEquals(names.filter((name) => !(name in HEIGHTS)), []);
});

Deno.test("usesOf() sees every kind of import, and nothing else", () => {
  const source = [
    'import { a } from "./a.ts";',
    'import type { B } from "./b.ts";',
    'export * from "./c.ts";',
    'export { d } from "./d.ts";',
    'type E = import("./e.ts").E;',
    'const f = await import("./f.ts");',
    '// import { x } from "./no.ts"; Deno.exit()',
    '/* export * from "./no.ts"; Deno.exit() */',
    `const s = 'import "./no.ts"; Deno.exit()';`,
    'const t = `import "./no.ts"; ${1} Deno.exit()`;',
    'const r = /import ".no.ts"; Deno/;',
    "const o = { Deno: 1 }.Deno;",
    "export const local = 1;",
  ].join("\n");
  assertEquals(usesOf("src/cli/x.ts", source), {
    specifiers: ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts"],
    deno: false,
  });
});

Deno.test("usesOf() sees Deno however it is reached", () => {
  for (
    const source of [
      'Deno.open("x");',
      "type S = Deno.Signal;",
      "const { env } = Deno;",
      "const all = { Deno };",
      'globalThis.Deno.open("x");',
      'globalThis["Deno"].open("x");',
    ]
  ) {
    assertEquals(usesOf("src/core/x.ts", source).deno, true, source);
  }
});

Deno.test("upwardImports() and impurities() find what they are there for", () => {
  const cases: [file: string, specifier: string, allowed: boolean][] = [
    ["src/core/a.ts", "./b.ts", true],
    ["src/core/a.ts", "../errors.ts", true],
    ["src/core/a.ts", "node:crypto", true],
    ["src/core/a.ts", "../fs/scan.ts", false],
    ["src/content/a.ts", "../protocol/limits.ts", false],
    ["src/protocol/a.ts", "../content/chunker.ts", false],
    ["src/fs/a.ts", "../net/transport.ts", false],
    ["src/net/a.ts", "../fs/file_system.ts", false],
    ["src/session/a.ts", "../fs/file_system.ts", true],
    ["src/session/a.ts", "../cli/args.ts", false],
    ["src/errors.ts", "./core/path.ts", false],
    ["src/cli/commands/a.ts", "../../session/mirror.ts", true],
    ["src/cli/commands/a.ts", "../../../main.ts", false],
    ["src/cli/a.ts", "../mod.ts", false],
    ["src/cli/a.ts", "../../deno.json", true],
    ["src/cli/a.ts", "../../tests/support/temp.ts", false],
    ["src/mod.ts", "./session/mirror.ts", true],
    ["main.ts", "./src/cli/run.ts", true],
  ];
  for (const [file, specifier, allowed] of cases) {
    const faults = upwardImports(file, [specifier]);
    assertEquals(faults.length === 0, allowed, `${file} -> ${specifier}`);
  }
  const uses = { specifiers: ["node:fs/promises"], deno: true };
  for (const file of ["core/a", "session/a", "fs/memory_fs", "net/memory_x"]) {
    assertEquals(impurities(`src/${file}.ts`, uses).length, 2, file);
  }
  assertEquals(impurities("src/fs/deno_fs.ts", uses), []);
});

Deno.test("documents name files and functions that there are", () => {
  const files = sourceFiles();
  const words = new Set(
    files.flatMap((file) => withoutComments(read(file)).match(/\w+/g) ?? []),
  );
  for (
    const document of [".github/ARCHITECTURE.md", "src/protocol/README.md"]
  ) {
    const prose = read(document).replaceAll(/```.*?```/gs, "");
    const named = [...prose.matchAll(/`([^`\s]+)`/g)].map(([, name]) => name!);
    assertEquals(named.length > 30, true, document);
    const faults = named.filter((name) => {
      // What is edited in an example.
      if (name.endsWith("src/app.ts")) return false;
      if (/^[\w/]+\.ts$/.test(name)) {
        return !files.some((file) => `/${file}`.endsWith(`/${name}`)) &&
          !exists(join(ROOT, name)) &&
          !exists(join(ROOT, ".github/scripts", name));
      }
      const isCode = /^[A-Za-z]\w*(\.\w+)*(\(\))?$/.test(name) &&
        /[a-z][A-Z]|^[A-Z][a-z]+[A-Z]|\(\)/.test(name);
      return isCode && name.match(/\w+/g)!.some((word) => !words.has(word));
    });
    assertEquals(faults, [], document);
  }
});

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*.*?\*\/|(?<!:)\/\/[^\n]*/gs, "");
}

function upwardImports(file: string, specifiers: readonly string[]): string[] {
  return specifiers.filter((specifier) => specifier.startsWith("."))
    .map((specifier) => normalize(join(file, "..", specifier)))
    .filter((target) => !mayImport(file, target))
    .map((target) => `${file} must not import ${target}`);
}

function mayImport(file: string, target: string): boolean {
  if (target === "deno.json") return true;
  const from = folderOf(file);
  const to = folderOf(target);
  if (from === to) return from !== "";
  return HEIGHTS[from]! > (HEIGHTS[to] ?? Infinity);
}

function impurities(file: string, { specifiers, deno }: Uses): string[] {
  const folder = folderOf(file);
  const name = file.slice(file.lastIndexOf("/") + 1);
  const isBound = PURE.includes(folder) || folder === "session" ||
    name.startsWith("memory_");
  if (!isBound) return [];
  return [
    ...(deno ? [`${file} must not use Deno`] : []),
    ...specifiers.filter((specifier) => /^(node:)?fs(\/|$)/.test(specifier))
      .map((specifier) => `${file} must not import ${specifier}`),
  ];
}

/** The part of the program that a file belongs to; "" for what is no part of it. */
function folderOf(file: string): string {
  const [top, next] = file.replaceAll("\\", "/").split("/");
  if (top === "main.ts") return "main.ts";
  return top === "src" ? next ?? "" : "";
}

function usesOf(file: string, source: string): Uses {
  const specifiers: string[] = [];
  let deno = false;
  const literal = (node: { readonly type: string } | null): void => {
    if (node?.type !== "Literal") return;
    specifiers.push(String((node as Deno.lint.StringLiteral).value));
  };
  Deno.lint.runPlugin(
    {
      name: "architecture",
      rules: {
        uses: {
          create: () => ({
            ImportDeclaration: (node) => literal(node.source),
            ExportAllDeclaration: (node) => literal(node.source),
            ExportNamedDeclaration: (node) => literal(node.source),
            ImportExpression: (node) => literal(node.source),
            TSImportType: (node) =>
              literal(
                "literal" in node.argument ? node.argument.literal : null,
              ),
            Identifier(node): void {
              if (node.name === "Deno" && isReference(node)) deno = true;
            },
            "MemberExpression[computed=true] > Literal"(
              node: Deno.lint.StringLiteral,
            ): void {
              if (node.value === "Deno") deno = true;
            },
          }),
        },
      },
    },
    file,
    source,
  );
  return { specifiers, deno };
}

/** Whether an identifier stands for something, and is not a property's name. */
function isReference(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property !== node || parent.computed ||
        (parent.object.type === "Identifier" &&
          parent.object.name === "globalThis");
    case "Property":
      return parent.value === node || parent.shorthand || parent.computed;
    default:
      return true;
  }
}

function sourceFiles(): string[] {
  const files = ["main.ts"];
  const folders = ["src"];
  for (let folder; (folder = folders.pop()) !== undefined;) {
    for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
      const path = `${folder}/${name}`;
      if (isDirectory) folders.push(path);
      else if (name.endsWith(".ts")) files.push(path);
    }
  }
  return files.sort();
}

function read(file: string): string {
  return Deno.readTextFileSync(join(ROOT, file));
}
