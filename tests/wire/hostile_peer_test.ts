import { assert, assertEquals } from "@std/assert";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../src/protocol/limits.ts";
import { writeHello } from "../../src/protocol/session_codec.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello } from "../../src/session/open_session.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FakeEndpoint } from "../support/fake_endpoint.ts";
import { FROZEN_FRAMES, frozenBytes } from "../support/frozen_frames.ts";
import { Random } from "../support/random.ts";
import { bytesOf, party, RawPeer } from "../support/session_pair.ts";
import { sealed } from "../support/wire_message.ts";

const SESSIONS = 400;

/** Where these stand in a message. */
const TYPE_AT = 4;
const EXCHANGE_AT = 8;

const HELLO = bytesOf((writer) =>
  writeHello(writer, { min: 1, max: 1 }, {
    ...party(1),
    windowBytes: MAX_WINDOW_BYTES,
    capabilities: [],
  })
);

Deno.test(`${SESSIONS} sessions with frames in any order end well, each for itself`, async () => {
  let broken = 0;
  for (let seed = 0; seed < SESSIONS; seed++) {
    const random = new Random(seed);
    const clock = new FakeClock();
    const [near, far] = memoryTransports();
    const raw = new RawPeer(near);
    await raw.send(FrameType.hello, { payload: HELLO });
    const pending = await awaitHello(far, { clock });
    const session = await pending.accept(party(2));
    const role = random.pick(["target", "source"] as const);
    const fake = new FakeEndpoint({ a: { b: "1" }, c: "22" });
    const served = serveEndpoint(session, fake, { role })
      .then(() => "ended", () => "broken");
    let exchange = 1;
    for (let i = random.between(1, 8); i > 0; i--) {
      const message = frozenBytes(random.pick(FROZEN_FRAMES));
      // Often enough a frame that may stand here: a new question, or more of one.
      if (random.below(3) > 0) exchange += 2 * random.below(2);
      if (message[TYPE_AT]! >= 16) {
        new DataView(message.buffer).setUint32(EXCHANGE_AT, exchange);
      }
      if (random.below(5) === 0) message[random.below(message.length)]! ^= 1;
      await raw.sendMessage(sealed(message)).catch(() => {});
      if (random.below(2) === 0) await settle();
    }
    await settle();
    raw.close();
    if (await served === "broken") broken++;
    assert(fake.closed !== undefined, `seed ${seed}`);
    assertEquals(clock.timers, 0, `seed ${seed}`);
  }
  assert(broken > SESSIONS / 2);
});
