/** A target at the other end of requests: no request is made for nothing. */
import type { Change } from "../core/change.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Staging } from "../session/endpoint.ts";
import { RemoteEndpoint } from "../session/remote_endpoint.ts";

/** The endpoint at the other end of a {@link RequestSession}, which outlives it. */
export class RequestEndpoint extends RemoteEndpoint {
  override async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<Staging> {
    const staging = await super.stage(changes, signal);
    if (staging.wants.length > 0) return staging;
    return { wants: [], writable: new WritableStream<ContentBatch>() };
  }
}
