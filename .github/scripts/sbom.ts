/** The bill of materials of a release, as SPDX 2.3, made from `deno.lock`. */

import { Buffer } from "node:buffer";

/** As much of `deno.lock` as is needed. */
export interface Lock {
  /** By name and version, as in "zod@4.6.7"; what follows "_" are its peers. */
  readonly npm?: Readonly<
    Record<string, {
      /** "sha512-", and the digest in base 64. */
      readonly integrity?: string;
      readonly dependencies?: readonly string[];
    }>
  >;
}

/** Which release it is for. */
export interface Release {
  readonly version: string;
  /** The address of the repository; names the document, too. */
  readonly repository: string;
  readonly created: Date;
}

/** The document. @throws {Error} If a package has no digest to be known by. */
export function billOfMaterials(
  { npm = {} }: Lock,
  { version, repository, created }: Release,
): unknown {
  const self = "SPDXRef-lockstep";
  const packages = Object.entries(npm).map(([key, { integrity }]) => {
    const { name, version } = packageOf(key);
    const digest = /^sha512-(.+)$/.exec(integrity ?? "")?.[1];
    if (digest === undefined) throw new Error(`${key} has no digest`);
    return {
      name,
      SPDXID: idOf(key),
      versionInfo: version,
      downloadLocation: `https://registry.npmjs.org/${name}/-/${
        name.split("/").at(-1)
      }-${version}.tgz`,
      filesAnalyzed: false,
      checksums: [{ algorithm: "SHA512", checksumValue: toHex(digest) }],
      externalRefs: [{
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      }],
    };
  });
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `lockstep-${version}`,
    documentNamespace: `${repository}/releases/download/v${version}/sbom`,
    creationInfo: {
      created: `${created.toISOString().slice(0, 19)}Z`,
      creators: ["Tool: lockstep-release"],
    },
    packages: [
      {
        name: "lockstep",
        SPDXID: self,
        versionInfo: version,
        downloadLocation: `git+${repository}@v${version}`,
        filesAnalyzed: false,
        licenseDeclared: "MIT",
      },
      ...packages,
    ],
    relationships: [
      {
        spdxElementId: "SPDXRef-DOCUMENT",
        relationshipType: "DESCRIBES",
        relatedSpdxElement: self,
      },
      ...packages.map(({ SPDXID }) => ({
        spdxElementId: self,
        relationshipType: "DEPENDS_ON",
        relatedSpdxElement: SPDXID,
      })),
    ],
  };
}

function packageOf(key: string): { name: string; version: string } {
  const at = key.indexOf("@", 1);
  const [version = ""] = key.slice(at + 1).split("_");
  return { name: key.slice(0, at), version };
}

function idOf(key: string): string {
  return `SPDXRef-npm-${key.replaceAll(/[^A-Za-z0-9.]+/g, "-")}`;
}

function toHex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}
