/** A file system that lets a test act before each of the calls of another one. */
import type { Directory, FileSystem } from "../../src/fs/file_system.ts";

/** Called before a call of `method` on the entry at `path` is made. */
export type Hook = (method: string, path: string) => Promise<void>;

const INNER = Symbol("inner");

/** `fileSystem`, with `hook` before each call of its directories. */
export function hooked(fileSystem: FileSystem, hook: Hook): FileSystem {
  return {
    traits: fileSystem.traits,
    async openRoot(path, options): Promise<Directory> {
      return wrap(await fileSystem.openRoot(path, options), hook);
    },
  };
}

function wrap(directory: Directory, hook: Hook): Directory {
  return new Proxy(directory, {
    get(inner, property): unknown {
      if (property === INNER) return inner;
      const value = Reflect.get(inner, property, inner);
      if (typeof value !== "function") return value;
      if (property === "close") return value.bind(inner);
      return async (...args: unknown[]): Promise<unknown> => {
        const name = typeof args[0] === "string" ? `/${args[0]}` : "";
        await hook(String(property), inner.path + name);
        const result = await value.apply(inner, args.map(unwrap));
        return property === "openDirectory"
          ? wrap(result as Directory, hook)
          : result;
      };
    },
  });
}

function unwrap(value: unknown): unknown {
  return typeof value === "object" && value !== null &&
      Reflect.get(value, INNER) || value;
}
