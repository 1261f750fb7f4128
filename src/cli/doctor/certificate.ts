/** Looks at the certificate that a server shows. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { messageOf } from "../../errors.ts";
import type { Finding } from "../finding.ts";

const DAY_MS = 24 * 3_600_000;

/** Most authorities renew earlier; one that is later has been forgotten. */
const RENEW_WITHIN_DAYS = 14;

const PATIENCE_MS = 10_000;

/** As much of a certificate as is judged. */
export interface ShownCertificate {
  readonly validFrom: Date;
  readonly validTo: Date;
  /** The names and addresses that it is for, as it spells them. */
  readonly names: string;
  /** Whether it is for the host that was asked for. */
  readonly isForHost: boolean;
}

/**
 * What there is to say of the certificate of `url`'s server: its time and its
 * names. Whether it is trusted shows when a connection is made in earnest.
 */
export async function examineCertificate(
  url: URL,
  now: Date,
): Promise<Finding> {
  try {
    return judgeCertificate(await shownCertificate(url), url.hostname, now);
  } catch (error) {
    return {
      check: "certificate",
      state: "bad",
      message: `it can't be had: ${messageOf(error)}`,
    };
  }
}

/** What a certificate means for a connection to `host`. */
export function judgeCertificate(
  { validFrom, validTo, names, isForHost }: ShownCertificate,
  host: string,
  now: Date,
): Finding {
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
  const base = {
    check: "certificate",
    message: `for ${names || "no name"}, valid until ${dayOf(validTo)}`,
    facts: { names, validTo: validTo.toISOString(), days },
  };
  if (validTo < now) {
    return { ...base, state: "bad", advice: "It has expired: renew it" };
  }
  if (validFrom > now) {
    const advice = `It is valid only from ${
      dayOf(validFrom)
    } on: look at the clock`;
    return { ...base, state: "bad", advice };
  }
  if (!isForHost) {
    const advice = `It is not for ${host}: use a name that it is for, or a ` +
      "certificate with this one";
    return { ...base, state: "bad", advice };
  }
  if (days < RENEW_WITHIN_DAYS) {
    return { ...base, state: "poor", advice: "Renew it soon" };
  }
  return { ...base, state: "good" };
}

/** Connects, and takes any certificate: no byte of ours goes over it. */
async function shownCertificate(url: URL): Promise<ShownCertificate> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
    timeout: PATIENCE_MS,
  });
  socket.on("error", reject);
  socket.on("timeout", () => reject(new Error("no answer")));
  socket.on("close", () => reject(new Error("the connection was closed")));
  socket.on("secureConnect", () => {
    const { raw } = socket.getPeerCertificate();
    if (raw === undefined) reject(new Error("none was shown"));
    else resolve(raw);
  });
  try {
    const certificate = new X509Certificate(await promise);
    const isForHost = isIP(host) === 0
      ? certificate.checkHost(host) !== undefined
      : certificate.checkIP(host) !== undefined;
    return {
      validFrom: new Date(certificate.validFrom),
      validTo: new Date(certificate.validTo),
      names: certificate.subjectAltName ?? "",
      isForHost,
    };
  } finally {
    socket.destroy();
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
