/**
 * Who may connect to a receiver. All of it is settled before the upgrade: whoever
 * is not let in gets an answer in HTTP and never a socket.
 */
import type { Clock } from "../core/clock.ts";
import { FailureLimit, type FailureLimits } from "./failure_limit.ts";
import { addressGroup, bracketed, hostOfHeader, isLoopback } from "./host.ts";
import { TokenCheck, type TokenVerdict } from "./token.ts";

/** Guesses that one address has; then it waits until its window is over. */
export const GUESS_LIMITS: FailureLimits = {
  failures: 10,
  windowMs: 60_000,
  addresses: 4096,
};

/** What a gate goes by. */
export interface GateOptions {
  /** Where the receiver listens. */
  readonly host: string;
  /** What every sender has to show; undefined: nothing. */
  readonly token: string | undefined;
  /** The time, by which wrong tokens are forgotten. */
  readonly clock: Clock;
  /** Judges the `Authorization` header, where there is more than one token. */
  readonly judge?: (header: string | null) => TokenVerdict;
  /** What listens, for messages; "receiver" unless said. */
  readonly name?: string;
}

/** The answer to somebody who is not let in. */
export interface Refusal {
  /** Of the answer in HTTP. */
  readonly status: 401 | 403 | 429;
  /** For the answer's body. */
  readonly text: string;
  /** Of the answer in HTTP. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * For the receiver's own log: each kind once for an address and window, and
   * when an address has to wait from now on. Undefined where it was told before.
   */
  readonly notice?: string;
}

/** Judges upgrade requests. */
export class Gate {
  readonly #host: string;
  readonly #name: string;
  readonly #judge: GateOptions["judge"];
  readonly #guesses: FailureLimit;

  /** A gate that nobody has come to yet. */
  constructor({ host, token, clock, judge, name }: GateOptions) {
    this.#host = host;
    this.#name = name ?? "receiver";
    this.#judge = judge;
    if (token !== undefined) {
      const check = new TokenCheck(token);
      this.#judge = (header) => check.judge(header);
    }
    this.#guesses = new FailureLimit(clock, GUESS_LIMITS);
  }

  /**
   * Why `request`, which came from the address `remote`, is refused; undefined:
   * it may come in. Never throws, whatever the headers hold. The path is not
   * looked at: a proxy may have a prefix of its own.
   */
  refuse(request: Request, remote: string): Refusal | undefined {
    return this.refuseStranger(request, remote) ??
      this.#refuseToken(request, addressGroup(remote));
  }

  /** The same, for what needs no token. */
  refuseStranger(request: Request, remote: string): Refusal | undefined {
    const address = addressGroup(remote);
    return this.#refuseHost(request, address) ??
      this.#refuseOrigin(request, address);
  }

  /**
   * A page whose own name was made to point to this machine (DNS rebinding)
   * gives itself away by that name. The port may be any: that of a tunnel, say.
   */
  #refuseHost(request: Request, address: string): Refusal | undefined {
    if (!isLoopback(this.#host)) return undefined;
    const named = [request.headers.get("host"), authorityOf(request.url)];
    const hosts = named.filter((name) => name !== null).map(hostOfHeader);
    if (hosts.every((host) => host !== undefined && isLoopback(host))) {
      return undefined;
    }
    return this.#forbid(
      address,
      "a request for another host (its Host)",
      `This Lockstep ${this.#name} listens for this machine only; a proxy in ` +
        `front of it must set the header "Host: ${bracketed(this.#host)}"`,
    );
  }

  /** A browser names the origin of its page, also of one that has none ("null"). */
  #refuseOrigin(request: Request, address: string): Refusal | undefined {
    if (!request.headers.has("origin")) return undefined;
    return this.#forbid(
      address,
      "a web page (it has an Origin)",
      `Web pages can't connect to a Lockstep ${this.#name}`,
    );
  }

  #forbid(address: string, notice: string, text: string): Refusal {
    return {
      status: 403,
      text,
      headers: {},
      ...this.#noticeOnce(address, notice),
    };
  }

  /**
   * An address that has guessed too often is not even told whether it has guessed
   * right now: else the limit would only slow down who is wrong. No token at all
   * is no guess; health checks of a proxy must not lock out those behind it.
   */
  #refuseToken(request: Request, address: string): Refusal | undefined {
    if (this.#judge === undefined) return undefined;
    const waitMs = this.#guesses.waitMs(address);
    if (waitMs > 0) {
      return {
        status: 429,
        text: "Too many wrong tokens from this address",
        headers: { "retry-after": String(Math.ceil(waitMs / 1000)) },
      };
    }
    const verdict = this.#judge(request.headers.get("authorization"));
    if (verdict === "right") return undefined;
    return {
      status: 401,
      text: "Unauthorized",
      headers: { "www-authenticate": "Bearer" },
      ...(verdict === "wrong"
        ? this.#noticeGuess(address)
        : this.#noticeOnce(address, "no token")),
    };
  }

  /** Counts a wrong token, and tells of the first one and of the last. */
  #noticeGuess(address: string): Pick<Refusal, "notice"> {
    if (!this.#guesses.fail(address)) {
      return this.#noticeOnce(address, "a wrong token");
    }
    const seconds = Math.ceil(this.#guesses.waitMs(address) / 1000);
    return {
      notice: `${GUESS_LIMITS.failures} wrong tokens: ` +
        `none is taken from that address for ${seconds} s`,
    };
  }

  #noticeOnce(address: string, notice: string): Pick<Refusal, "notice"> {
    return this.#guesses.isNew(address, notice) ? { notice } : {};
  }
}

/** What stands for host and port in `url`, which need not be a valid one. */
function authorityOf(url: string): string {
  return /^\w+:\/\/([^/]*)/.exec(url)?.[1] ?? "";
}
