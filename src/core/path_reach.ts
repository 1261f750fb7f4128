/**
 * How far the path rules of one set have come on the way down to a directory: of
 * each, which parts may be matched by the next name. A rule that can match no
 * more is gone, so a directory knows only the rules that still concern it.
 */
import type { ByteText } from "./byte_text.ts";
import { compileGlob, matchesGlob } from "./glob.ts";
import type { IgnoreRule } from "./ignore_rule.ts";
import { NameIndex, type NameRule } from "./name_index.ts";
import { LEVELS, type PathGlob } from "./path_glob.ts";

const EVERY_NAME = compileGlob(["star"]);

/** One path of a rule, on its way. */
interface Walker {
  readonly order: number;
  readonly rule: IgnoreRule;
  readonly parts: PathGlob;
  /** From here on there are only `LEVELS`: the path may end with the name before. */
  readonly tail: number;
  /** The parts that the next name may match: rising, each once, not empty. */
  readonly places: readonly number[];
}

/** The state of a set's path rules in one directory. Immutable. */
export class PathReach {
  /** Rules that a name in this directory can complete. */
  readonly names: NameIndex;
  readonly #walkers: readonly Walker[];

  private constructor(walkers: readonly Walker[]) {
    this.#walkers = walkers;
    this.names = new NameIndex(walkers.flatMap(completions));
  }

  /** In the directory of the rules themselves. */
  static start(rules: readonly IgnoreRule[]): PathReach {
    return new PathReach(
      rules.flatMap((rule, order) =>
        rule.paths.map((parts) => {
          const places = new Set<number>();
          reach(parts, 0, places);
          const tail = parts.findLastIndex((part) => part !== LEVELS) + 1;
          return { order, rule, parts, tail, places: [...places] };
        })
      ),
    );
  }

  /** Whether no rule is left that could match here or below. */
  get isOver(): boolean {
    return this.#walkers.length === 0;
  }

  /** In the directory `name`; this same object if nothing is different there. */
  enter(name: ByteText): PathReach {
    const walkers: Walker[] = [];
    let changed = false;
    for (const walker of this.#walkers) {
      const next = step(walker, name);
      changed ||= next !== walker;
      if (next !== undefined) walkers.push(next);
    }
    return changed ? new PathReach(walkers) : this;
  }
}

/** Where `walker` is after `name`; the same object if that changes nothing. */
function step(walker: Walker, name: ByteText): Walker | undefined {
  const { parts, places } = walker;
  const next = new Set<number>();
  for (const place of places) {
    const part = parts[place]!;
    if (part === LEVELS) reach(parts, place, next);
    else if (matchesGlob(part, name)) reach(parts, place + 1, next);
  }
  if (next.size === 0) return undefined;
  const sorted = [...next].sort((a, b) => a - b);
  const isSame = sorted.length === places.length &&
    sorted.every((place, i) => place === places[i]);
  return isSame ? walker : { ...walker, places: sorted };
}

/** Adds `place`, and what follows without a name; the end is no place. */
function reach(parts: PathGlob, place: number, places: Set<number>): void {
  for (let at = place; at < parts.length; at++) {
    places.add(at);
    if (parts[at] !== LEVELS) return;
  }
}

/** What names the next one may be to complete the path. */
function completions(
  { order, rule, parts, tail, places }: Walker,
): NameRule[] {
  const found: NameRule[] = [];
  for (const place of places) {
    const part = parts[place]!;
    if (place + 1 < tail) continue;
    found.push({ order, rule, glob: part === LEVELS ? EVERY_NAME : part });
  }
  return found;
}
