/** Who may do what at a hub: keys, and what gives strangers away. */
import type { Clock } from "../core/clock.ts";
import { type RelPath, ROOT } from "../core/path.ts";
import { SyncError } from "../errors.ts";
import { Gate, type Refusal } from "../net/gate.ts";
import { isToken } from "../net/token.ts";
import { allows, type KeyInfo, type KeyTable, type Role } from "./keys.ts";
import { HttpProblem } from "./problem.ts";

/** What everybody is where no keys are asked for. */
const ANYBODY: KeyInfo = {
  id: "",
  name: "anybody",
  role: "admin",
  path: ROOT,
  created: 0,
  expires: undefined,
  revoked: undefined,
};

/** What access goes by. */
export interface AccessOptions {
  /** Where the hub listens. */
  readonly host: string;
  readonly keys: Pick<KeyTable, "find" | "isAlive">;
  /** Whether everybody may do everything. */
  readonly open: boolean;
  readonly clock: Clock;
  /** Hears of those who are not let in; not of each one. */
  turnedAway(peer: string, reason: string): void;
}

/** Lets requests in. */
export class Access {
  readonly #options: AccessOptions;
  readonly #gate: Gate;

  constructor(options: AccessOptions) {
    this.#options = options;
    const { host, clock, open } = options;
    this.#gate = new Gate({
      host,
      clock,
      token: undefined,
      name: "hub",
      ...(!open && {
        judge: (header) => {
          if (header === null || header === "") return "missing";
          return this.#find(header) === undefined ? "wrong" : "right";
        },
      }),
    });
  }

  /** Lets in who needs no key. @throws {HttpProblem} */
  admitStranger(request: Request, remote: string): void {
    this.#refuse(this.#gate.refuseStranger(request, remote), remote);
  }

  /** The key that `request` shows. @throws {HttpProblem} */
  admit(request: Request, remote: string): KeyInfo {
    this.#refuse(this.#gate.refuse(request, remote), remote);
    if (this.#options.open) return ANYBODY;
    const key = this.#find(request.headers.get("authorization") ?? "");
    if (key !== undefined) return key;
    // It was revoked between two lines.
    throw new HttpProblem(401, "unauthorized", "Unauthorized");
  }

  /**
   * Whether `key` still opens what it did. Whoever asks does so every now and then,
   * from a timer: where the disk fails, the next time tells.
   */
  isAlive(key: KeyInfo): boolean {
    if (key === ANYBODY) return true;
    try {
      return this.#options.keys.isAlive(key.id);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      return true;
    }
  }

  #find(header: string): KeyInfo | undefined {
    const [, key] = /^Bearer ([\x21-\x7e]+)$/i.exec(header) ?? [];
    if (key === undefined || !isToken(key)) return undefined;
    return this.#options.keys.find(key);
  }

  #refuse(refusal: Refusal | undefined, remote: string): void {
    if (refusal === undefined) return;
    const { status, text, headers, notice } = refusal;
    if (notice !== undefined) this.#options.turnedAway(remote, notice);
    const code = { 401: "unauthorized", 403: "forbidden", 429: "too-many" };
    throw new HttpProblem(status, code[status], text, {}, headers);
  }
}

/** @throws {HttpProblem} If `key` may not do what `role` may, at `path`. */
export function require(key: KeyInfo, role: Role, path: RelPath): void {
  if (allows(key, role, path)) return;
  throw new HttpProblem(403, "forbidden", `This key may not do that`);
}
