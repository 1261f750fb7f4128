/** The figures of a hub as Prometheus reads them. */
import type { Hub } from "./hub.ts";

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly value: number;
}

/** Counts requests by the class of their answers. */
export class RequestCounts {
  readonly #counts = new Map<string, number>();

  /** A request was answered with `status`. */
  add(status: number): void {
    const group = `${Math.floor(status / 100)}xx`;
    this.#counts.set(group, (this.#counts.get(group) ?? 0) + 1);
  }

  /** How many there were of each class. */
  entries(): Iterable<[string, number]> {
    return this.#counts;
  }
}

/** The text of `/metrics`, in Prometheus's text format, version 0.0.4. */
export async function metricsText(
  hub: Hub,
  requests: RequestCounts,
): Promise<string> {
  const totals = await hub.store.totals();
  const lines = metricsOf(hub, totals).flatMap((
    { name, type, help, value },
  ) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    `${name} ${value}`,
  ]);
  const name = "lockstep_hub_requests_total";
  lines.push(`# HELP ${name} Requests, by the class of their answers`);
  lines.push(`# TYPE ${name} counter`);
  for (const [group, count] of requests.entries()) {
    lines.push(`${name}{status="${group}"} ${count}`);
  }
  return `${lines.join("\n")}\n`;
}

function metricsOf(
  hub: Hub,
  totals: Awaited<ReturnType<Hub["store"]["totals"]>>,
): Metric[] {
  return [
    {
      name: "lockstep_hub_revision",
      type: "counter",
      help: "Revision of the last change",
      value: totals.head,
    },
    {
      name: "lockstep_hub_files",
      type: "gauge",
      help: "Files that are there now",
      value: totals.files,
    },
    {
      name: "lockstep_hub_file_bytes",
      type: "gauge",
      help: "Sizes of the files that are there now",
      value: totals.bytes,
    },
    {
      name: "lockstep_hub_old_versions",
      type: "gauge",
      help: "Versions that are kept besides the current ones",
      value: totals.oldVersions,
    },
    {
      name: "lockstep_hub_chunks",
      type: "gauge",
      help: "Different chunks in the store",
      value: totals.chunks,
    },
    {
      name: "lockstep_hub_chunk_bytes",
      type: "gauge",
      help: "Sizes of the chunks",
      value: totals.chunkBytes,
    },
    {
      name: "lockstep_hub_pack_bytes",
      type: "gauge",
      help: "What the packs take on the disk",
      value: totals.packBytes,
    },
    {
      name: "lockstep_hub_conflicts_open",
      type: "gauge",
      help: "Conflicts that nobody has resolved",
      value: hub.store.conflicts.open(),
    },
    {
      name: "lockstep_hub_clients_online",
      type: "gauge",
      help: "Clients that are connected",
      value: hub.online,
    },
    {
      name: "lockstep_hub_listeners",
      type: "gauge",
      help: "Who listens to what happens",
      value: hub.fanOut.listeners,
    },
    {
      name: "lockstep_hub_listeners_dropped_total",
      type: "counter",
      help: "Listeners that were too slow",
      value: hub.fanOut.dropped,
    },
  ];
}
