/**
 * Forms with a file in them (multipart/form-data): the file goes to the store as
 * it comes, and is never in memory as a whole.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { messageOf, SyncError } from "../errors.ts";
import { HttpProblem } from "./problem.ts";
import type { ContentWriter, StoredContent } from "./store.ts";
import { type BodyLimits, timedBody } from "./timed_body.ts";

/** A form that has come. Its owner releases the content. */
export interface UploadForm {
  readonly fields: ReadonlyMap<string, string>;
  readonly content: StoredContent | undefined;
}

/** How a form is read. */
export interface FormOptions {
  readonly limits: Omit<BodyLimits, "maxBytes">;
  /** Of the file, in bytes. */
  readonly maxFileSize: number;
  /** Begins to store the file. */
  write(): ContentWriter;
}

const MAX_FIELDS = 16;

/** Paths are the longest; a character of theirs has up to 4 bytes. */
const MAX_FIELD_BYTES = 256 * 1024;

/** What a form may have besides the file, in bytes. */
const MAX_FORM_BYTES = 2 * 1024 * 1024;

/** Reads the form that `request` brings. @throws {HttpProblem} */
export async function readForm(
  request: Request,
  options: FormOptions,
): Promise<UploadForm> {
  const fields = new Map<string, string>();
  const files: Promise<StoredContent>[] = [];
  const streams: Readable[] = [];
  const stop = new AbortController();
  const parser = openParser(request, options);
  let fault: Error | undefined;
  const fail = (error: Error): void => {
    fault ??= error;
    stop.abort();
  };
  parser.on("field", (name, value, _short, isCut) => {
    if (isCut) fail(tooLarge("A field of the form is too long"));
    else if (fields.has(name)) fail(badForm(`The form has two of "${name}"`));
    else fields.set(name, value);
  });
  parser.on("file", (name, stream) => {
    if (name === "file" && files.length === 0) {
      streams.push(stream);
      files.push(store(stream, options));
      files[0]!.catch(fail);
    } else {
      stream.resume();
      fail(badForm('The form has one file, called "file"'));
    }
  });
  parser.on("fieldsLimit", () => fail(badForm("The form has too many fields")));
  parser.on("partsLimit", () => fail(badForm("The form has too many parts")));
  const maxBytes = options.maxFileSize + MAX_FORM_BYTES;
  const body = timedBody(request.body, { ...options.limits, maxBytes });
  try {
    const { signal } = stop;
    await pipeline(Readable.from(body, { objectMode: false }), parser, {
      signal,
    });
    if (fault !== undefined) throw fault;
    const [content] = await Promise.all(files);
    return { fields, content };
  } catch (error) {
    const causes = [fault, error];
    // Whoever stores a file would wait for the rest of it for ever.
    for (const stream of streams) stream.destroy(new Error("broken off"));
    const [outcome] = await Promise.allSettled(files);
    if (outcome?.status === "fulfilled") outcome.value.release();
    // What breaks because of something else says less than that.
    for (const cause of causes) {
      if (cause instanceof HttpProblem || cause instanceof SyncError) {
        throw cause;
      }
    }
    throw badForm(`The form is not whole: ${messageOf(error)}`);
  }
}

function openParser(
  request: Request,
  { maxFileSize }: FormOptions,
): BusboyInstance {
  const type = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    throw new HttpProblem(
      415,
      "not-a-form",
      "Send multipart/form-data, as curl -F does",
    );
  }
  try {
    return new Busboy({
      headers: { "content-type": type },
      isPartAFile: (name, _type, fileName) =>
        name === "file" || fileName !== undefined,
      limits: {
        fields: MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        parts: MAX_FIELDS + 2,
        // One more than allowed, to see whether there is more.
        fileSize: maxFileSize + 1,
        headerPairs: 32,
      },
    });
  } catch (error) {
    throw badForm(messageOf(error));
  }
}

async function store(
  stream: AsyncIterable<Uint8Array>,
  { maxFileSize, write }: FormOptions,
): Promise<StoredContent> {
  const writer = write();
  let size = 0;
  try {
    for await (const part of stream) {
      size += part.length;
      if (size > maxFileSize) {
        throw tooLarge(`A file may have ${maxFileSize} bytes`);
      }
      writer.append(part);
    }
    return writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

function tooLarge(detail: string): HttpProblem {
  return new HttpProblem(413, "too-large", detail);
}

function badForm(detail: string): HttpProblem {
  return new HttpProblem(400, "bad-form", detail);
}
