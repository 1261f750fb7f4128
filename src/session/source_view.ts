/** The source of a feed, as one of its targets is given it. */
import type { RacyReads } from "../fs/racy_reads.ts";
import type { Feed } from "./feed.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";

/**
 * A view of whatever source the feed has at present, with numbers that are not
 * mixed with those of other targets.
 */
export class SourceView {
  readonly #feed: Feed;
  readonly #racy: RacyReads;
  #view: { of: LocalEndpoint; endpoint: LocalEndpoint } | undefined;

  /** @param racy See {@link LocalEndpoint.view}. */
  constructor(feed: Feed, racy: RacyReads) {
    this.#feed = feed;
    this.#racy = racy;
  }

  /** The source; to be asked for anew in each round. {@link close} ends it. */
  async open(): Promise<LocalEndpoint> {
    const { source } = this.#feed;
    if (this.#view?.of === source) return this.#view.endpoint;
    await this.close();
    const endpoint = source.view(this.#racy);
    this.#view = { of: source, endpoint };
    return endpoint;
  }

  /** Leaves the source; it may be opened again. */
  async close(): Promise<void> {
    const view = this.#view;
    this.#view = undefined;
    await view?.endpoint.close({ kind: "done", message: "" });
  }
}
