import { assertEquals, assertStrictEquals } from "@std/assert";
import { Gate, GUESS_LIMITS } from "../../../src/net/gate.ts";
import { bearer, TokenCheck } from "../../../src/net/token.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { note } from "../../support/proof.ts";
import { Random } from "../../support/random.ts";

const REMOTE = "192.0.2.1";

function gate(
  host: string,
  token?: string,
): { gate: Gate; clock: FakeClock } {
  const clock = new FakeClock();
  return { gate: new Gate({ host, token, clock }), clock };
}

/** What a server hands to its handler. `Request` itself would not take all of it. */
function request(headers: Record<string, string>, url?: string): Request {
  const { host = "localhost" } = headers;
  return {
    url: url ?? `http://${host}/`,
    headers: new Headers(headers),
  } as Request;
}

Deno.test("C04: a receiver on loopback answers to no other name", () => {
  const { gate: local } = gate("127.0.0.1");
  const cases: [host: string, status: number | undefined][] = [
    ["127.0.0.1:8080", undefined],
    ["localhost", undefined],
    ["[::1]:1", undefined],
    ["localhost:9999", undefined],
    ["evil.example", 403],
    ["evil.example:8080", 403],
    ["127.0.0.1.evil.example", 403],
    ["127.0.0.1@evil.example", 403],
    ["evil.example@127.0.0.1", 403],
    ["127.0.0.1/.evil.example", 403],
    ["", 403],
    ["[::1", 403],
    ["a b%^:x", 403],
    ["127.0.0.1:99999", 403],
    ["192.168.1.1", 403],
  ];
  for (const [host, status] of cases) {
    assertEquals(local.refuse(request({ host }), REMOTE)?.status, status, host);
  }
  const proxied = request({ host: "localhost" }, "http://evil.example/");
  assertEquals(local.refuse(proxied, REMOTE)?.status, 403);
  const { gate: open } = gate("0.0.0.0");
  for (const host of ["evil.example", "", "[::1"]) {
    assertEquals(open.refuse(request({ host }), REMOTE), undefined, host);
  }
});

Deno.test("C03: whatever names an origin is a web page, and refused", () => {
  const origins = [
    "http://evil.example",
    "null",
    "",
    "a, b",
    "::",
    "http://[::1",
  ];
  for (const host of ["127.0.0.1", "0.0.0.0"]) {
    for (const token of [undefined, "t"]) {
      for (const origin of origins) {
        const headers = {
          host: "localhost",
          origin,
          authorization: "Bearer t",
        };
        const refusal = gate(host, token).gate.refuse(request(headers), REMOTE);
        assertEquals(refusal?.status, 403, `${host}, ${origin}`);
      }
    }
  }
});

Deno.test("C01: without the right token there is one answer for all", () => {
  const { gate: guarded } = gate("0.0.0.0", "right");
  const wrong = [
    undefined,
    "",
    "Bearer",
    "Bearer wrong",
    "Basic x",
    "Bearer ü",
  ];
  const answers = wrong.map((authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    const { notice: _, ...answer } = guarded.refuse(
      request(headers),
      REMOTE,
    )!;
    return answer;
  });
  for (const answer of answers) {
    assertEquals(answer, {
      status: 401,
      text: "Unauthorized",
      headers: { "www-authenticate": "Bearer" },
    });
  }
  const right = request({ authorization: "Bearer right" });
  assertEquals(guarded.refuse(right, REMOTE), undefined);
});

Deno.test("C18: an address that guesses too often waits, even with the right token", async () => {
  const { gate: guarded, clock } = gate("0.0.0.0", "right");
  const guess = request({ authorization: "Bearer wrong" });
  const right = request({ authorization: "Bearer right" });
  const answers = Array.from(
    { length: 1_000 },
    () => guarded.refuse(guess, REMOTE)!,
  );
  const { failures } = GUESS_LIMITS;
  assertEquals(answers.filter(({ status }) => status === 401).length, failures);
  const notices = answers.flatMap(({ notice }) => notice ?? []);
  assertEquals(notices, [
    "a wrong token",
    "10 wrong tokens: none is taken from that address for 60 s",
  ]);
  await clock.advance(500);
  const limited = guarded.refuse(right, REMOTE);
  assertEquals(limited?.status, 429);
  assertEquals(limited?.headers, { "retry-after": "60" });
  assertEquals(guarded.refuse(right, "192.0.2.2"), undefined);
  await clock.advance(GUESS_LIMITS.windowMs - 500);
  assertEquals(guarded.refuse(right, REMOTE), undefined);
  // A network of IPv6 counts as one address.
  for (let i = 0; i < failures; i++) guarded.refuse(guess, `2001:db8::${i}`);
  assertEquals(guarded.refuse(right, "2001:db8::ffff")?.status, 429);
  assertEquals(guarded.refuse(right, "2001:db8:0:1::"), undefined);
});

Deno.test("N17: none of 10,000 tokens that are nearly right is taken", () => {
  const right = Array.from({ length: 40 }, (_, i) => i.toString(36)).join("");
  const check = new TokenCheck(right);
  const random = new Random(17);
  let judged = 0;
  while (judged < 10_000) {
    const at = random.below(right.length);
    const [before, behind] = [right.slice(0, at), right.slice(at + 1)];
    const other = String.fromCharCode(random.between(0x21, 0x7e));
    if (other === right[at]) continue;
    const near = random.pick([
      before + other + behind,
      before + behind,
      before + other + right.slice(at),
      before,
      right + other,
      right + right,
      right.toUpperCase(),
    ]);
    assertEquals(check.judge(bearer(near)), "wrong");
    judged++;
  }
  assertEquals(check.judge(bearer(right)), "right");
  note("N17", "wrong tokens", judged);
});

Deno.test("a request without any token is no guess", () => {
  const { gate: guarded } = gate("0.0.0.0", "right");
  const notices = Array.from(
    { length: 100 },
    () => guarded.refuse(request({}), REMOTE)?.notice,
  );
  assertEquals(notices.filter((notice) => notice !== undefined), ["no token"]);
  const right = request({ authorization: "Bearer right" });
  assertStrictEquals(guarded.refuse(right, REMOTE), undefined);
});

Deno.test("whoever guesses is told of, whatever else has come from there before", () => {
  const { gate: guarded } = gate("0.0.0.0", "right");
  const guess = request({ authorization: "Bearer wrong" });
  const requests = [request({}), request({ origin: "null" })];
  for (let i = 0; i < 20; i++) requests.push(guess, request({}));
  assertEquals(
    requests.flatMap((asked) => guarded.refuse(asked, REMOTE)?.notice ?? []),
    [
      "no token",
      "a web page (it has an Origin)",
      "a wrong token",
      "10 wrong tokens: none is taken from that address for 60 s",
    ],
  );
});

Deno.test("who is turned away for the host or the origin is told of once in a window", async () => {
  const { gate: local, clock } = gate("127.0.0.1");
  const page = request({ origin: "http://evil.example" });
  const rebound = request({ host: "evil.example" });
  const ask = (): string[] =>
    [page, rebound, page, rebound].flatMap((asked) =>
      local.refuse(asked, "127.0.0.1")?.notice ?? []
    );
  const notices = [
    "a web page (it has an Origin)",
    "a request for another host (its Host)",
  ];
  assertEquals(ask(), notices);
  assertEquals(ask(), []);
  await clock.advance(GUESS_LIMITS.windowMs);
  assertEquals(ask(), notices);
});
