/** What goes wrong in simulated runs, and what people do in the middle of them. */
import { FileSystemError } from "../../src/errors.ts";
import type { MemoryTransportOptions } from "../../src/net/memory_transport.ts";
import type { Endpoint } from "../../src/session/endpoint.ts";
import type { HubWorld } from "./hub_world.ts";
import type { Random } from "./random.ts";
import type { TwoWayWorld } from "./two_way_world.ts";

type Troubled<World extends TwoWayWorld | HubWorld> = Pick<
  World,
  "fault" | "steps" | "dieAtStep"
>;

/**
 * Lets one thing go wrong in the next run, mostly nothing. The answer says whether
 * that goes over a connection, and what happens to it.
 */
export function trouble(
  world: Troubled<TwoWayWorld> | Troubled<HubWorld>,
  random: Random,
): { readonly connection?: MemoryTransportOptions } {
  switch (random.below(5)) {
    case 0: {
      let left = random.below(400);
      const code = random.pick(["io", "no-space", "denied"] as const);
      world.fault = () =>
        left-- === 0 ? new FileSystemError(code, "The call failed") : undefined;
      break;
    }
    case 1:
      world.dieAtStep = world.steps + 1 + random.below(60);
      break;
    case 2: {
      const cutAtMessage = 1 + random.below(20);
      return {
        connection: { [random.pick(["there", "back"])]: { cutAtMessage } },
      };
    }
    default:
  }
  return random.below(2) === 0 ? { connection: {} } : {};
}

const CALLS = ["scan", "confirmAbsent", "stage", "transition"];

/** `endpoint`, with `meddle` before and after each call that looks or changes. */
export function meddledWith(
  endpoint: Endpoint,
  meddle: () => Promise<void>,
): Endpoint {
  return new Proxy(endpoint, {
    get(inner, property): unknown {
      const value = Reflect.get(inner, property, inner);
      if (typeof value !== "function") return value;
      if (!CALLS.includes(String(property))) return value.bind(inner);
      return async (...args: unknown[]): Promise<unknown> => {
        await meddle();
        const result = await value.apply(inner, args);
        await meddle();
        return result;
      };
    },
  });
}
