import { assertEquals } from "@std/assert";
import {
  parseMounts,
  regionAt,
  regionsMeet,
  regionsOf,
} from "../../../src/cli/commands/mounts.ts";

const TABLE = parseMounts(`\
20 1 8:1 / / rw - ext4 /dev/sda1 rw
21 20 8:1 /data/photos /mnt/photos rw shared:1 - ext4 /dev/sda1 rw
22 20 0:30 / /tmp rw,nosuid shared:2 master:1 - tmpfs tmpfs rw
23 22 8:1 /home /tmp/with\\040blank\\134 rw - ext4 /dev/sda1 rw
24 20 8:2 / /srv rw - ext4 /dev/sdb1 rw
25 24 8:1 /hidden /srv/in rw - ext4 /dev/sda1 rw
26 24 8:3 / /srv rw - ext4 /dev/sdc1 rw
this is no line of it
`);

Deno.test("regionAt() follows a path through the mounts that are seen on its way", () => {
  const table: [string, string, string][] = [
    ["/", "8:1", "/"],
    ["/data/photos", "8:1", "/data/photos"],
    ["/mnt/photos", "8:1", "/data/photos"],
    ["/mnt/photos/2026", "8:1", "/data/photos/2026"],
    ["/mnt/photos2", "8:1", "/mnt/photos2"],
    ["/tmp", "0:30", "/"],
    ["/tmp/x", "0:30", "/x"],
    ["/tmp/with blank\\/joe", "8:1", "/home/joe"],
    // A later mount over /srv hides what was mounted in it.
    ["/srv/in", "8:3", "/in"],
  ];
  for (const [path, device, place] of table) {
    assertEquals(regionAt(TABLE, path), { device, path: place }, path);
  }
  assertEquals(regionAt([], "/"), undefined);
});

Deno.test("regionsOf() adds the mounts of the same file system below a directory", () => {
  assertEquals(regionsOf(TABLE, "/mnt"), [
    { device: "8:1", path: "/mnt" },
    { device: "8:1", path: "/data/photos" },
  ]);
  assertEquals(regionsOf(TABLE, "/data"), [{ device: "8:1", path: "/data" }]);
  // Another file system is not entered, nor what is mounted in that.
  assertEquals(regionsOf(TABLE, "/tmp"), [{ device: "0:30", path: "/" }]);
  assertEquals(regionsOf(TABLE, "/srv"), [{ device: "8:3", path: "/" }]);
});

Deno.test("regionsMeet() finds what is the same, or lies in it", () => {
  const region = (path: string, device = "8:1") => ({ device, path });
  assertEquals(regionsMeet(region("/a"), region("/a")), true);
  assertEquals(regionsMeet(region("/a"), region("/a/b")), true);
  assertEquals(regionsMeet(region("/a/b"), region("/")), true);
  assertEquals(regionsMeet(region("/a"), region("/ab")), false);
  assertEquals(regionsMeet(region("/a"), region("/a", "8:2")), false);
});
