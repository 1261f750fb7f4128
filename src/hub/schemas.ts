/** The shapes of what a hub is told and answers, in JSON. */
import { z } from "zod";
import type { Conflict } from "./conflicts.ts";
import { MAX_LABEL_CHARACTERS } from "./keys.ts";
import type { HubRecord } from "./record.ts";

/** Most entries of a page. */
const MAX_PAGE = 1_000;

const digest = z.string().regex(/^[0-9a-f]{64}$/).describe(
  "SHA-256 in lower-case hexadecimal, as sha256sum prints it",
);
const revision = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const pathText = z.string().max(65_536).describe("names joined by /");
const milliseconds = z.number().int().min(-8.64e15).max(8.64e15).describe(
  "milliseconds since 1970",
);
const clientId = z.string().regex(/^[0-9a-f]{32}$/);
const label = z.string().min(1).max(MAX_LABEL_CHARACTERS);

/** One change, as answers tell it. */
export const Record = z.object({
  revision,
  path: pathText,
  kind: z.enum(["file", "directory", "symlink", "deleted"]),
  size: z.number().int(),
  mtime: milliseconds,
  mode: z.string().describe("permission bits, octal"),
  digest: digest.optional(),
  target: z.string().optional(),
  time: z.iso.datetime().describe("when the hub accepted it"),
  client: z.string(),
  client_name: z.string().optional().describe("where it has registered"),
  operation: z.string(),
  change_set: revision,
}).meta({ id: "Record" });

export const RecordPage = z.object({
  records: z.array(Record),
  next: z.union([z.string(), z.number()]).optional()
    .describe("for the next page: its `after`, or `before`"),
}).meta({ id: "RecordPage" });

const conflictKind = z.enum(["file", "directory", "symlink"]);
const conflictSide = z.enum(["client", "hub"])
  .describe("whose version is kept beside the path");
const copyPath = pathText.describe("where that version lies in the tree");

export const ConflictShape = z.object({
  id: z.number().int(),
  path: pathText,
  kind: conflictKind,
  side: conflictSide,
  copy: copyPath.optional(),
  base: revision,
  current: revision,
  size: z.number().int(),
  mtime: milliseconds,
  mode: z.string(),
  digest: digest.optional(),
  time: z.iso.datetime(),
  client: z.string(),
  client_name: z.string().optional(),
  resolution: z.enum(["current", "other", "both"]).optional(),
}).meta({ id: "Conflict" });

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
}).loose().meta({ id: "Problem" });

export const Health = z.object({ status: z.literal("ok") });

export const RegisterBody = z.strictObject({
  name: label,
  client_id: clientId.optional()
    .describe("which it had before, or has drawn itself"),
});
export const Registered = z.object({
  client_id: clientId,
  epoch: z.string(),
  revision,
});

export const SyncBody = z.strictObject({
  client_id: clientId.optional(),
  epoch: z.string().max(64).optional()
    .describe("of the hub that the revisions come from"),
  path: pathText.optional().describe("compare only what is below it"),
  files: z.array(z.strictObject({
    path: pathText,
    digest,
    revision: revision.optional()
      .describe("of the version that the client had last; 0 or absent: none"),
  })).max(200_000),
  deleted: z.array(z.strictObject({ path: pathText, revision })).max(200_000)
    .optional().describe("what the client had and has deleted"),
});

export const SyncPlan = z.object({
  revision,
  epoch: z.string(),
  send: z.array(z.object({ path: pathText, base: revision }))
    .describe("upload these, with this base"),
  fetch: z.array(Record).describe("download these"),
  delete: z.array(z.object({ path: pathText, revision }))
    .describe("delete these at the client"),
  remove: z.array(z.object({ path: pathText, base: revision }))
    .describe("delete these at the hub, with If-Match"),
  conflicts: z.array(z.object({ path: pathText, current: Record }))
    .describe("both have changed"),
});

export const RestoreFileBody = z.strictObject({
  version: revision.min(1),
  client_id: clientId.optional(),
});
export const RestoreBody = z.strictObject({
  at: z.union([z.iso.datetime({ offset: true }), milliseconds]),
  path: pathText.optional(),
  client_id: clientId.optional(),
});
export const UndoBody = z.strictObject({
  client: z.string().min(1).max(200),
  client_id: clientId.optional(),
});
export const Restored = z.object({
  records: z.array(Record),
  left_out: z.array(z.object({ path: pathText, reason: z.string() })),
});

export const ConflictBody = z.strictObject({
  path: pathText,
  kind: conflictKind,
  side: conflictSide,
  copy: copyPath.optional(),
  size: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  mtime: milliseconds,
  digest: digest.optional().describe("of a file, whose content is in the hub"),
  client_id: clientId.optional(),
});

export const ResolveBody = z.strictObject({
  keep: z.enum(["current", "other", "both"]),
  client_id: clientId.optional(),
});

export const PolicyShape = z.strictObject({
  rules: z.array(z.string().max(4_096)).max(1_000)
    .describe("as lines of a .gitignore; the last one that matches decides"),
}).meta({ id: "Policy" });

export const ApprovalShape = z.object({
  id: z.number().int(),
  client: z.string(),
  client_name: z.string().optional(),
  state: z.enum(["waiting", "approved", "rejected"]),
  time: z.iso.datetime(),
  files: z.number().int().describe("that would be deleted"),
  total: z.number().int().describe("files that there were"),
  paths: z.array(pathText).describe("some of what would be deleted"),
}).meta({ id: "Approval" });
export const DecideBody = z.strictObject({
  decision: z.enum(["approve", "reject"]),
});

export const ClientShape = z.object({
  client_id: clientId,
  name: z.string(),
  online: z.boolean(),
  last_seen: z.iso.datetime(),
  registered: z.iso.datetime(),
  revision,
  lag: z.number().int(),
});

const number = z.string().regex(/^\d{1,15}$/).transform(Number);
const limit = number.pipe(z.number().int().min(1).max(MAX_PAGE)).optional();

export const FilesQuery = z.object({
  path: z.string().optional(),
  after: z.string().optional(),
  limit,
});
export const VersionsQuery = z.object({ before: number.optional(), limit });
export const HistoryQuery = z.object({
  path: z.string().optional(),
  client: z.string().max(200).optional(),
  before: number.optional(),
  limit,
});
export const ConflictsQuery = z.object({
  after: number.optional(),
  path: pathText.optional().describe("only those at this path"),
  all: z.enum(["true", "false"]).optional(),
  limit,
});
export const ApprovalsQuery = z.object({
  all: z.enum(["true", "false"]).optional(),
});
export const DownloadQuery = z.object({ version: number.optional() });
export const DeleteQuery = z.object({
  recursive: z.enum(["true", "false"]).optional(),
  client_id: clientId.optional(),
});
export const EventsQuery = z.object({ after: number.optional() });

/** The fields of an upload besides the file. */
export const UploadFields = z.strictObject({
  path: pathText,
  mtime: z.string().regex(/^-?\d{1,16}$/).transform(Number)
    .pipe(milliseconds).optional().describe("milliseconds since 1970"),
  mode: z.string().regex(/^0?[0-7]{1,3}$/).transform((text) =>
    parseInt(text, 8)
  ).optional().describe("permission bits, octal; 644 unless said"),
  base: number.optional()
    .describe("the revision that is to be replaced; 0: nothing is there"),
  digest: digest.optional().describe("what the content has to have"),
  client_id: clientId.optional(),
});

/** A record as answers tell it. */
export function toWireRecord(
  record: HubRecord,
  clientName?: string,
): z.infer<typeof Record> {
  const { digest, target, mode, time, changeSet, ...rest } = record;
  return {
    ...rest,
    ...(clientName !== undefined && { client_name: clientName }),
    mode: mode.toString(8).padStart(3, "0"),
    ...(digest !== undefined && { digest }),
    ...(target !== undefined && { target }),
    time: new Date(time).toISOString(),
    change_set: changeSet,
  };
}

/** A conflict as answers tell it. */
export function toWireConflict(
  conflict: Conflict,
  clientName?: string,
): z.infer<typeof ConflictShape> {
  const { mode, time, resolution, resolved: _, copy, digest, ...rest } =
    conflict;
  return {
    ...rest,
    ...(copy !== undefined && { copy }),
    ...(digest !== "" && { digest }),
    ...(clientName !== undefined && { client_name: clientName }),
    mode: mode.toString(8).padStart(3, "0"),
    time: new Date(time).toISOString(),
    ...(resolution !== undefined && { resolution }),
  };
}
