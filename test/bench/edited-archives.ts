import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { KeyStream } from './key-stream.ts';
import { Prose } from './prose.ts';
import { makeTree } from './workloads.ts';

// Two versions of files of parts: a mailbox, archives, compressed logs. Between them parts were changed, added and removed, as people and
// programs do it.

/** A pair of versions of one file. */
export interface EditedFile {
  readonly name: string;
  readonly says: string;
  /** Writes the two versions into a folder that exists. */
  readonly make: (first: string, second: string, scale: number) => void;
}

const SEED = 1;

/** Of 100 parts so many are changed, removed, or followed by a new one. */
const EDITS = { changed: 2, removed: 1, added: 1 } as const;

/** The parts of the second version. */
function edited<Part>(
  parts: readonly Part[],
  label: string,
  change: (part: Part, stream: KeyStream) => Part,
  fresh: (i: number) => Part,
): Part[] {
  const stream = new KeyStream(SEED, 'edit parts', label);
  const after: Part[] = [];
  for (const [i, part] of parts.entries()) {
    const dice = stream.below(100);
    if (dice < EDITS.changed) after.push(change(part, stream));
    else if (dice >= EDITS.changed + EDITS.removed) after.push(part);
    if (stream.chance(EDITS.added)) after.push(fresh(i));
  }
  return after;
}

/** Messages of a mailbox, one in eight with an attachment in base64. */
function message(prose: Prose, stream: KeyStream, i: number): string {
  const [text = ''] = prose.mail(stream, i).split(/\n\n(?=From )/);
  if (!stream.chance(12)) return `${text}\n\n`;
  const attached = stream.read(stream.between(2000, 60_000)).toString('base64').replace(/.{76}/g, '$&\n');
  return `${text}\n\n--part\nContent-Transfer-Encoding: base64\n\n${attached}\n--part--\n\n`;
}

function makeMailboxes(first: string, second: string, scale: number): void {
  const prose = new Prose(SEED);
  const stream = new KeyStream(SEED, 'mailbox');
  const messages = Array.from({ length: Math.max(50, Math.round(1500 * scale)) }, (_, i) => message(prose, stream, i));
  writeFileSync(first, messages.join(''), 'latin1');
  const read = (mail: string): string => mail.replace('\nMessage-Id:', '\nStatus: RO\nMessage-Id:');
  writeFileSync(second, edited(messages, 'mailbox', read, (i) => message(prose, stream, 100_000 + i)).join(''), 'latin1');
}

/** A member of an archive. */
interface Member {
  readonly name: string;
  readonly data: Buffer;
}

function someMembers(scale: number): Member[] {
  const prose = new Prose(SEED);
  const text = prose.reader('members');
  const stream = new KeyStream(SEED, 'members');
  return Array.from({ length: Math.max(40, Math.round(1200 * scale)) }, (_, i): Member => {
    const size = stream.between(500, 60_000);
    return { name: `${prose.name(stream)}-${i}.txt`, data: stream.chance(70) ? text(size) : Buffer.from(stream.read(size)) };
  });
}

function changedMember({ name, data }: Member, stream: KeyStream): Member {
  const at = stream.below(data.length);
  return { name, data: Buffer.concat([data.subarray(0, at), stream.read(20), data.subarray(Math.min(data.length, at + 10))]) };
}

function newMember(i: number): Member {
  return { name: `new-${i}.txt`, data: new Prose(SEED).reader(`new${i}`)(8000) };
}

function makeZips(first: string, second: string, scale: number): void {
  const members = someMembers(scale);
  writeFileSync(first, zipOf(members));
  writeFileSync(second, zipOf(edited(members, 'zip', changedMember, newMember)));
}

/** @see APPNOTE.TXT of PKWARE, 4.3 */
function zipOf(members: readonly Member[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, data } of members) {
    const packed = deflateRawSync(data);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version needed
    fields.writeUInt16LE(8, 4); // deflated
    fields.writeUInt32LE(0x5af0_0000, 6); // time and date
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, rest, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, central, end]);
}

/** A gzip member for each hour of a log, as rotated logs that were joined. */
function makeGzips(first: string, second: string, scale: number): void {
  const members = someMembers(scale * 2);
  const packed = (list: readonly Member[]): Buffer => Buffer.concat(list.map(({ data }) => gzipSync(data)));
  writeFileSync(first, packed(members));
  writeFileSync(second, packed(edited(members, 'gzip', changedMember, newMember)));
}

/** Archives of a tree, by the tar that is installed; owners and order do not depend on who runs it. */
function makeTars(first: string, second: string, scale: number): void {
  const tree = `${first}.tree`;
  makeTree(tree, Math.max(100, Math.round(4000 * scale)));
  packTar(tree, first);
  const stream = new KeyStream(SEED, 'edit parts', 'tar');
  const files = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of paths) {
    const dice = stream.below(100);
    if (dice < EDITS.changed) {
      writeFileSync(path, changedMember({ name: path, data: Buffer.concat([readFileSync(path), Buffer.from('\n')]) }, stream).data);
      utimesSync(path, 1_700_000_000, 1_700_000_000);
    } else if (dice < EDITS.changed + EDITS.removed) rmSync(path);
    else if (stream.chance(EDITS.added)) {
      writeFileSync(`${path}.new`, stream.read(8000));
      utimesSync(`${path}.new`, 1_700_000_000, 1_700_000_000);
    }
  }
  packTar(tree, second);
  rmSync(tree, { recursive: true });
}

function packTar(tree: string, to: string): void {
  mkdirSync(tree, { recursive: true });
  execFileSync('tar', ['--sort=name', '--format=gnu', '--owner=0', '--group=0', '--numeric-owner', '-C', tree, '-cf', to, '.']);
}

export const EDITED_FILES: readonly EditedFile[] = [
  { name: 'mail.mbox', says: 'a mailbox', make: makeMailboxes },
  { name: 'tree.tar', says: 'a tar of small files', make: makeTars },
  { name: 'texts.zip', says: 'a zip', make: makeZips },
  { name: 'logs.gz', says: 'gzip members one after the other', make: makeGzips },
];
