/**
 * A file system that does something before each call of another one: lets time
 * pass, counts, fails the call, or acts in between as somebody else would.
 *
 * @example A slow disk
 * ```ts
 * const slow = hooked(fileSystem, () => new Promise((go) => setTimeout(go, 5)));
 * ```
 */
import type { Directory, FileSystem } from "./file_system.ts";

/**
 * Called before `method` of a {@link Directory}, or of a file opened in one, is
 * called on the entry at `path`. What it throws, the call throws.
 * @param directory The one that is called, without the hook.
 */
export type Hook = (
  method: string,
  path: string,
  directory: Directory,
) => void | Promise<void>;

const INNER = Symbol("inner");

/** Calls whose result has calls of its own. */
const OPENING = new Set([
  "openDirectory",
  "openFile",
  "openWritable",
  "follow",
]);

/** Calls that answer at once. */
const IMMEDIATE = new Set(["close", "release"]);

/** `fileSystem`, with `hook` before each call of its directories and open files. */
export function hooked(fileSystem: FileSystem, hook: Hook): FileSystem {
  return {
    traits: fileSystem.traits,
    async openRoot(path, options): Promise<Directory> {
      return hookedDirectory(await fileSystem.openRoot(path, options), hook);
    },
  };
}

/** `directory`, and all that is opened from it, with `hook` before each call. */
export function hookedDirectory(directory: Directory, hook: Hook): Directory {
  return wrap(directory, { hook, directory, path: directory.path });
}

/** What a wrapped object tells the hook about itself. */
interface Place {
  readonly hook: Hook;
  readonly directory: Directory;
  readonly path: string;
}

function wrap<T extends object>(object: T, place: Place): T {
  return new Proxy(object, {
    get(inner, property): unknown {
      if (property === INNER) return inner;
      const value = Reflect.get(inner, property, inner);
      if (typeof value !== "function") return value;
      const method = String(property);
      if (IMMEDIATE.has(method)) return value.bind(inner);
      return async (...args: unknown[]): Promise<unknown> => {
        const [name] = args;
        const path = typeof name === "string"
          ? `${place.path.replace(/\/$/, "")}/${name}`
          : place.path;
        await place.hook(method, path, place.directory);
        const result = await value.apply(inner, args.map(unwrap));
        return OPENING.has(method) ? wrapResult(result, path, place) : result;
      };
    },
  });
}

function wrapResult(result: object, path: string, place: Place): unknown {
  if (!("directory" in result)) {
    return "list" in result
      ? hookedDirectory(result as Directory, place.hook)
      : wrap(result, { ...place, path });
  }
  const { directory } = result as { readonly directory: Directory };
  return { ...result, directory: hookedDirectory(directory, place.hook) };
}

function unwrap(value: unknown): unknown {
  return typeof value === "object" && value !== null &&
      Reflect.get(value, INNER) || value;
}
