import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  judgeCertificate,
  type ShownCertificate,
} from "../../../../src/cli/doctor/certificate.ts";

const NOW = new Date("2026-06-01T12:00:00Z");
const DAY_MS = 24 * 3_600_000;

function shown(fromDays: number, toDays: number): ShownCertificate {
  return {
    validFrom: new Date(NOW.getTime() + fromDays * DAY_MS),
    validTo: new Date(NOW.getTime() + toDays * DAY_MS),
    names: "DNS:example.org",
    isForHost: true,
  };
}

Deno.test("a certificate is judged by its time, then by its names", () => {
  const table: [ShownCertificate, string, string][] = [
    [shown(-1, 90), "good", ""],
    [shown(-1, 14), "good", ""],
    [shown(-1, 13), "poor", "Renew"],
    [shown(-90, -1), "bad", "expired"],
    [shown(1, 90), "bad", "only from 2026-06-02"],
    [{ ...shown(-1, 90), isForHost: false }, "bad", "not for other.example"],
    [{ ...shown(-90, -1), isForHost: false }, "bad", "expired"],
  ];
  for (const [certificate, state, advice] of table) {
    const found = judgeCertificate(certificate, "other.example", NOW);
    assertEquals(found.state, state);
    assertStringIncludes(found.advice ?? "", advice);
  }
});
