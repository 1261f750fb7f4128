/** The changelog, by version. */

/**
 * What `changelog` says of `version`, without its heading; ends with a line break.
 * @throws {Error} If it says nothing.
 */
export function notesFor(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => versionOf(text) === version);
  const notes = section?.slice(section.indexOf("\n")).trim() ?? "";
  if (notes === "") throw new Error(`There are no notes for ${version}`);
  return `${notes}\n`;
}

/** The versions that `changelog` has, newest first. */
export function versionsIn(changelog: string): string[] {
  return changelog.split(/^## /m).slice(1).map(versionOf);
}

/** The first word of a heading; a date may follow. */
function versionOf(section: string): string {
  return /^\S+/.exec(section)?.[0] ?? "";
}
