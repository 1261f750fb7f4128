/**
 * The fields of a YAML file that holds one mapping of names to plain values and
 * lists of such: all that a configuration needs. Anchors, aliases, tags, more than
 * one document and deep nesting are refused, each at its place.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
} from "yaml";
import { UsageError } from "../../errors.ts";

/** A plain value. */
export type Plain = string | number | boolean | null;

/** One value, and where it stands. */
export interface FieldValue {
  readonly value: Plain | readonly FieldValue[];
  /** Place of its first character. */
  readonly offset: number;
}

/** One name with its value. */
export interface Field {
  readonly name: string;
  /** Place of the name. */
  readonly offset: number;
  readonly value: FieldValue;
}

/** What the parser says of too many levels: its stack was full. */
const TOO_DEEP = /call stack/;

/** The fields of one file. */
export class YamlFields {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #fields: readonly Field[];

  /**
   * @param file What errors call it.
   * @throws {UsageError} `FILE:LINE:COL: REASON`
   */
  constructor(text: string, file: string) {
    this.#file = file;
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      schema: "core",
      stringKeys: true,
      // Quadratic in the number of keys: they are compared below.
      uniqueKeys: false,
    });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) {
      const reason = TOO_DEEP.test(fault.message)
        ? "it is nested too deeply"
        : fault.message;
      throw this.errorAt(fault.pos[0], reason);
    }
    this.#fields = this.#read(document.contents);
  }

  [Symbol.iterator](): Iterator<Field> {
    return this.#fields[Symbol.iterator]();
  }

  /** What is wrong at `offset` of the text. */
  errorAt(offset: number, reason: string): UsageError {
    const { line, col } = this.#lines.linePos(offset);
    return new UsageError(
      `${this.#file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${reason}`,
    );
  }

  #read(contents: ParsedNode | null): readonly Field[] {
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      throw this.errorAt(0, "it is empty; lockstep init writes one");
    }
    this.#refuseSpecial(contents);
    if (!isMap(contents)) {
      throw this.errorAt(offsetOf(contents), "expected lines of NAME: VALUE");
    }
    const fields: Field[] = [];
    const names = new Set<string>();
    for (const { key, value } of contents.items) {
      const offset = offsetOf(key);
      this.#refuseSpecial(key);
      const name = isScalar(key) ? String(key.value) : "";
      if (names.has(name)) {
        throw this.errorAt(offset, `"${name}" is there twice`);
      }
      names.add(name);
      fields.push({ name, offset, value: this.#valueOf(value, offset) });
    }
    return fields;
  }

  #valueOf(node: ParsedNode | null, at: number): FieldValue {
    if (node === null) return { value: null, offset: at };
    const offset = offsetOf(node);
    this.#refuseSpecial(node);
    if (isSeq(node)) {
      const value = node.items.map((item) => this.#plain(item, offset));
      return { value, offset };
    }
    return this.#plain(node, offset);
  }

  #plain(node: ParsedNode | null, at: number): FieldValue {
    if (node === null) return { value: null, offset: at };
    const offset = offsetOf(node);
    this.#refuseSpecial(node);
    if (isScalar(node) && isPlain(node.value)) {
      return { value: node.value, offset };
    }
    throw this.errorAt(offset, "expected a value, not a list or a mapping");
  }

  #refuseSpecial(node: Node): void {
    const offset = offsetOf(node);
    if (isAlias(node)) throw this.errorAt(offset, "aliases are not possible");
    const { anchor, tag } = node as { anchor?: string; tag?: string };
    if (anchor !== undefined) {
      throw this.errorAt(offset, "anchors are not possible");
    }
    if (tag !== undefined) throw this.errorAt(offset, "tags are not possible");
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function isPlain(value: unknown): value is Plain {
  return value === null ||
    ["string", "number", "boolean"].includes(typeof value);
}
