/** Certificates and keys in PEM files. */
import { X509Certificate } from "node:crypto";
import { displayPath } from "../../core/path.ts";
import { messageOf, UsageError } from "../../errors.ts";
import { readOptionFile } from "./option_file.ts";

const CERTIFICATES =
  /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A certificate with its key, for a server. */
export interface Certificate {
  /** In PEM form, as are the key and the files that they come from. */
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The options for it. */
export interface CertificateOptions {
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
}

/**
 * Reads the certificate that a server is to show; undefined: no TLS.
 * @throws {UsageError} If only one of the two is given, or one can't be read.
 */
export function readCertificate(
  { tlsCert, tlsKey }: CertificateOptions,
): Certificate | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError("--tls-cert and --tls-key go together");
  }
  const cert = readOptionFile("--tls-cert", tlsCert);
  checkCertificates("--tls-cert", tlsCert, cert);
  const key = readOptionFile("--tls-key", tlsKey);
  return { cert, key, certFile: tlsCert, keyFile: tlsKey };
}

/** What is wrong with `certificate`, if `error` of a server is because of that. */
export function certificateFault(
  error: unknown,
  { certFile, keyFile }: Certificate,
): UsageError | undefined {
  const message = messageOf(error);
  const options = { cause: error };
  if (/KeyMismatch/.test(message)) {
    return new UsageError(
      `--tls-key ${displayPath(keyFile)} is not the key of --tls-cert ${
        displayPath(certFile)
      }`,
      options,
    );
  }
  if (/\bkeys?\b/i.test(message)) {
    return new UsageError(
      `--tls-key ${
        displayPath(keyFile)
      } holds no private key in PEM form without a passphrase`,
      options,
    );
  }
  if (/certificate/i.test(message)) {
    return noCertificate("--tls-cert", certFile, error);
  }
  return undefined;
}

/** Since when the first certificate in `cert` is no longer valid; undefined: it is. */
export function expiryOf(cert: string, now: Date): Date | undefined {
  const end = new Date(new X509Certificate(cert).validTo);
  return end < now ? end : undefined;
}

/** The certificates in the file of `--ca-file`. @throws {UsageError} */
export function readCaFile(path: string): string {
  const text = readOptionFile("--ca-file", path);
  checkCertificates("--ca-file", path, text);
  return text;
}

/** @throws {UsageError} If there is no certificate in `text`, or one that is none. */
function checkCertificates(option: string, path: string, text: string): void {
  const found = text.match(CERTIFICATES);
  if (found === null) throw noCertificate(option, path);
  for (const certificate of found) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw noCertificate(option, path, error);
    }
  }
}

function noCertificate(
  option: string,
  path: string,
  cause?: unknown,
): UsageError {
  return new UsageError(
    `${option} ${displayPath(path)} holds no certificate in PEM form`,
    { cause },
  );
}
