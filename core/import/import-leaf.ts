import { readlinkSync } from 'node:fs';
import type { FileSignature } from '../base/file-signature.ts';
import { findXattrs } from '../base/find-xattrs.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import { pathBytes } from '../base/system-error.ts';
import type { IngestedFile } from '../blockify/ingested-file.ts';
import { decodeDirent, encodeDirent } from '../dirent/dirent-codec.ts';
import type { LeafDirent } from '../tree/live-node.ts';
import { isCachedSignature, TRUST_AGE_NS } from './import-cache.ts';
import type { FoundNode, ImportContext } from './import-context.ts';
import { LEFT_OUT } from './import-context.ts';
import type { LinkedNode } from './import-links.ts';
import { settleLinkedNode } from './import-links.ts';
import { metaOf, rdevOf } from './import-meta.ts';

// Nodes that are no directories: taken as they are remembered, or read.

const NO_BYTES = new Uint8Array(0);

/** Imports a node with one name, or the first one of an import that has no others. */
export function importLeaf(context: ImportContext, found: FoundNode, kind: LeafDirent['kind']): void {
  const { stat, cached } = found;
  count(context, found, kind);
  if (cached !== undefined && cached.node === undefined && isCachedSignature(cached.signature, stat) && !context.reread) {
    countUnchanged(context, found, kind);
    found.settle({ record: cached.record, signature: stat, same: true });
    return;
  }
  readNode(context, found, kind, found.name, (dirent, signature) => {
    if (dirent === undefined) count(context, found, kind, -1);
    found.settle(dirent === undefined ? LEFT_OUT : { record: encodeDirent(dirent), signature });
  });
}

/** Imports one name of a node that has several. */
export function importLinked(context: ImportContext, found: FoundNode, kind: LeafDirent['kind']): void {
  const { name, stat, cached, settle } = found;
  const { node, isFirst } = context.links.meet(stat, context.relative(found.path));
  const record = encodeDirent({ kind: 'indirect', name, uuid: node.uuid, meta: {} });
  const unchanged = cached?.node !== undefined && isCachedSignature(cached.signature, stat) && !context.reread;
  const sameRecord = unchanged && Buffer.compare(cached.record, record) === 0;
  if (!isFirst) {
    context.counts.others++;
    whenSettled(node, () => {
      if (node.failed) {
        context.counts.others--;
        settle(LEFT_OUT);
        return;
      }
      node.names++;
      settle({ record, signature: stat, node: NO_BYTES, same: sameRecord && cached.node?.length === 0, links: 1 });
    });
    return;
  }
  count(context, found, kind);
  if (unchanged && cached.node !== undefined && cached.node.length > 0) {
    countUnchanged(context, found, kind);
    const encoded = sameRecord ? Uint8Array.from(cached.node) : renamed(cached.node, node);
    settleLinkedNode(node, encoded);
    node.names++;
    settle({ record, signature: stat, node: encoded, same: sameRecord, links: 1 });
    return;
  }
  readNode(context, found, kind, node.uuid as Octets, (dirent, signature) => {
    const encoded = dirent === undefined ? undefined : encodeDirent({ ...dirent, uuid: node.uuid });
    settleLinkedNode(node, encoded);
    if (encoded === undefined) {
      count(context, found, kind, -1);
      settle(LEFT_OUT);
      return;
    }
    node.names++;
    settle({ record, signature, node: encoded, links: 1 });
  });
}

function whenSettled(node: LinkedNode, then: () => void): void {
  if (node.encoded !== undefined || node.failed) then();
  else node.waiting.push(then);
}

/** A remembered node under the uuid that it has now. */
function renamed(encoded: Uint8Array, node: LinkedNode): Uint8Array {
  return encodeDirent({ ...decodeDirent(encoded, 0).value, name: node.uuid as Octets, uuid: node.uuid });
}

/** @param by - -1 takes back what was counted when the node was met, where it turns out that it cannot be read */
function count({ counts }: ImportContext, { stat }: FoundNode, kind: LeafDirent['kind'], by: 1 | -1 = 1): void {
  if (kind !== 'file') {
    counts.others += by;
    return;
  }
  counts.files += by;
  counts.bytes += by * Number(stat.size);
}

function countUnchanged({ counts }: ImportContext, { stat }: FoundNode, kind: LeafDirent['kind']): void {
  if (kind !== 'file') return;
  counts.unchangedFiles++;
  counts.unchangedBytes += Number(stat.size);
}

/** Told what a node is, or undefined if it could not be read; and the signature under which it may be remembered. */
type NodeRead = (dirent: LeafDirent | undefined, signature: FileSignature | undefined) => void;

function readNode(context: ImportContext, found: FoundNode, kind: LeafDirent['kind'], name: Octets, done: NodeRead): void {
  const { path, stat } = found;
  if (kind === 'file') {
    readFile(context, found, name, done);
    return;
  }
  try {
    const readAtMs = Date.now();
    const bytes = pathBytes(path);
    const { xattrs, error } = findXattrs(bytes);
    if (error !== undefined) context.fail(path, error);
    const meta = metaOf(stat, context.owners, xattrs);
    const signature = error === undefined && isTrusted(stat, readAtMs) ? stat : undefined;
    if (kind === 'symlink') done({ kind, name, meta, target: octetsFromBytes(readlinkSync(bytes, 'buffer')) }, signature);
    else if (kind === 'char' || kind === 'block') done({ kind, name, meta: { ...meta, rdev: rdevOf(stat) } }, signature);
    else done({ kind, name, meta }, signature);
  } catch (error) {
    context.fail(path, error);
    done(undefined, undefined);
  }
}

function readFile(context: ImportContext, { path, stat }: FoundNode, name: Octets, done: NodeRead): void {
  context.ingest.file(pathBytes(path), stat).then(
    (file) => {
      const trusted = checkFile(context, path, file);
      done(
        { kind: 'file', name, meta: metaOf(file.stat ?? stat, context.owners, file.xattrs), block: file.block },
        trusted ? file.seen : undefined,
      );
    },
    (error: unknown) => {
      const { failure } = context.ingest;
      if (failure === undefined) context.fail(path, error);
      else context.end(failure.error);
      done(undefined, undefined);
    },
  );
}

/** Reports what went wrong with a file that was read all the same. @returns whether it may be remembered */
function checkFile(context: ImportContext, path: Octets, file: IngestedFile): boolean {
  if (!file.settled) context.fail(path, new Error('changed while it was read'));
  if (file.xattrError !== undefined) context.fail(path, file.xattrError);
  return file.settled && file.xattrError === undefined && isTrusted(file.seen, file.readAtMs);
}

/** Whether a file may be taken to be as it was read, as long as its signature is the same. */
function isTrusted(signature: FileSignature, readAtMs: number): boolean {
  return BigInt(readAtMs) * 1_000_000n - signature.ctimeNs > TRUST_AGE_NS;
}
