import { formatLocalTime } from '../../core/base/date.ts';
import { largestOf } from '../../core/base/lists.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromBytes, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import type { Output } from '../command.ts';
import { entryRecord, modeOf, modeText, octalMode, octetsFields, sizeText, timeText } from './format.ts';

// The metadata of a node as text, for `stat` and `inspect`.

/** A line of a description: label and value. */
export type Field = readonly [label: string, value: string];

/** The lines that describe a node's metadata. */
export function metadataFields(output: Output, entry: TreeEntry): Field[] {
  const { dirent } = entry;
  const { meta } = dirent;
  const fields: Field[] = [
    ['path', output.name(entry.path)],
    ['type', dirent.kind],
    ['size', entry.size < 1000 ? String(entry.size) : `${entry.size} (${sizeText(entry.size)})`],
    ['mode', `${octalMode(modeOf(dirent))} ${modeText(dirent)}`],
    ['owner', ownerValue(meta.user, meta.uid)],
    ['group', ownerValue(meta.group, meta.gid)],
  ];
  if (meta.mtimeNs !== undefined) fields.push(['modified', formatLocalTime(meta.mtimeNs)]);
  if (meta.ctimeNs !== undefined) fields.push(['changed', formatLocalTime(meta.ctimeNs)]);
  if (meta.btimeNs !== undefined) fields.push(['born', formatLocalTime(meta.btimeNs)]);
  fields.push(['links', String(entry.nlink)]);
  if (dirent.kind === 'symlink') fields.push(['target', output.name(dirent.target)]);
  if (meta.rdev !== undefined) fields.push(['device', `${meta.rdev.major}:${meta.rdev.minor}`]);
  for (const [name, value] of meta.xattrs ?? []) fields.push(['xattr', `${output.name(name)} = ${shownValue(value)}`]);
  return fields;
}

/** Prints fields in two columns. */
export function printFields(output: Output, fields: readonly Field[]): void {
  const width = largestOf(fields.map(([label]) => label.length));
  for (const [label, value] of fields) output.line(`${output.style('dim', label.padEnd(width))}  ${value}`);
}

/** The JSON record of a node's metadata. */
export function metadataRecord(entry: TreeEntry): Record<string, unknown> {
  const { meta } = entry.dirent;
  return {
    ...entryRecord(entry),
    ...(meta.ctimeNs === undefined ? {} : { ctime: timeText(meta.ctimeNs) }),
    ...(meta.btimeNs === undefined ? {} : { btime: timeText(meta.btimeNs) }),
    ...(meta.xattrs === undefined
      ? {}
      : {
          xattrs: [...meta.xattrs].map(([name, value]) => ({
            ...octetsFields('name', name),
            value_b64: Buffer.from(value).toString('base64'),
          })),
        }),
  };
}

function ownerValue(name: Octets | undefined, id: number | undefined): string {
  if (name === undefined) return id === undefined ? '-' : String(id);
  return id === undefined ? octetsToText(name) : `${octetsToText(name)} (${id})`;
}

/** Bytes as quoted text if they are printable, else in hex. */
function shownValue(value: Uint8Array): string {
  const text = octetsToTextStrict(octetsFromBytes(value));
  if (text !== undefined && /^[^\p{Cc}\p{Cs}]*$/u.test(text)) return JSON.stringify(text);
  return `0x${Buffer.from(value).toString('hex')}`;
}
