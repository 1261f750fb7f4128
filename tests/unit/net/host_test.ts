import { assertEquals } from "@std/assert";
import {
  addressGroup,
  authority,
  hostOfHeader,
  isLoopback,
} from "../../../src/net/host.ts";

Deno.test("isLoopback() knows what only this machine can reach", () => {
  const cases: [host: string, answer: boolean][] = [
    ["localhost", true],
    ["a.localhost", true],
    ["127.0.0.1", true],
    ["127.1.2.3", true],
    ["::1", true],
    ["[::1]", true],
    ["0:0:0:0:0:0:0:1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["192.168.1.1", false],
    ["example.org", false],
    ["localhost.example.org", false],
    ["127.0.0.1.example.org", false],
    ["", false],
  ];
  for (const [host, answer] of cases) {
    assertEquals(isLoopback(host), answer, host);
  }
});

Deno.test("hostOfHeader() finds the host, and takes nothing else for one", () => {
  const cases: [header: string, host: string | undefined][] = [
    ["localhost", "localhost"],
    ["LOCALHOST:8080", "localhost"],
    ["127.0.0.1:1", "127.0.0.1"],
    ["[::1]:8080", "[::1]"],
    ["[0:0::1]", "[::1]"],
    ["evil.example", "evil.example"],
    ["", undefined],
    [" ", undefined],
    ["a b", undefined],
    ["[::1", undefined],
    ["::1", undefined],
    ["127.0.0.1:99999", undefined],
    ["evil.example@127.0.0.1", undefined],
    ["127.0.0.1/.evil.example", undefined],
    ["127.0.0.1#.evil.example", undefined],
    ["127.0.0.1?.evil.example", undefined],
    ["127.0.0.1\\.evil.example", undefined],
  ];
  for (const [header, host] of cases) {
    assertEquals(hostOfHeader(header), host, header);
  }
});

Deno.test("addressGroup() is an IPv4 address, or a network of IPv6", () => {
  const cases: [address: string, group: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::9", "2001:db8:1:2"],
    ["2001:db8::9", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["::", "0:0:0:0"],
    ["fe80::", "fe80:0:0:0"],
    ["::ffff:192.0.2.1", "0:0:0:0:0:ffff:c000:201"],
    ["::ffff:192.0.2.2", "0:0:0:0:0:ffff:c000:202"],
  ];
  for (const [address, group] of cases) {
    assertEquals(addressGroup(address), group, address);
  }
});

Deno.test("authority() puts IPv6 addresses in brackets", () => {
  assertEquals(authority("::1", 80), "[::1]:80");
  assertEquals(authority("[::1]", 80), "[::1]:80");
  assertEquals(authority("h", 80), "h:80");
});
