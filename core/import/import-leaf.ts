import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { FileSignature } from '../base/system/file-signature.ts';
import { decodeDirent, encodeDirent } from '../dirent/dirent-codec.ts';
import type { LeafDirent } from '../tree/live/live-node.ts';
import { headOfFile, withFoundType } from './found-type.ts';
import { isCachedSignature, TRUST_AGE_NS } from './import-cache.ts';
import type { ImportContext } from './import-context.ts';
import type { LinkedNode } from './import-links.ts';
import { failLinkedNode, settleLinkedNode } from './import-links.ts';
import { metaOf, rdevOf } from './import-meta.ts';
import type { FoundNode, StoredNode } from './import-node.ts';
import { keptOutcome } from './import-node.ts';

// Imports nodes other than directories: from the cache if they are unchanged, else by reading them.

const NO_BYTES = new Uint8Array(0);

/** Maximum bytes of a file. @see vt(5), "Integers" */
const MAX_SIZE = BigInt(Number.MAX_SAFE_INTEGER);

/** Imports a node with one name, or the top of an import. */
export function importLeaf(context: ImportContext, found: FoundNode, kind: LeafDirent['kind']): void {
  const { stat, cached } = found;
  count(context, found, kind);
  if (cached !== undefined && cached.node === undefined && isCachedSignature(cached.signature, stat) && !context.reread) {
    countUnchanged(context, found, kind);
    found.settle({ record: cached.record, signature: stat, same: true });
    return;
  }
  readNode(context, found, kind, found.name, {
    read: (dirent, signature) => found.settle({ record: encodeDirent(dirent), signature }),
    unread: (stored) => {
      count(context, found, kind, -1);
      found.settle(keptOutcome(found.name, stored));
    },
  });
}

/** Imports one name of a node that has several. */
export function importLinked(context: ImportContext, found: FoundNode, kind: LeafDirent['kind']): void {
  const { name, stat, cached, settle } = found;
  const { node, isFirst } = context.links.meet(stat, context.top.relative(found));
  const record = encodeDirent({ kind: 'indirect', name, uuid: node.uuid, meta: {} });
  const unchanged = cached?.node !== undefined && isCachedSignature(cached.signature, stat) && !context.reread;
  const sameRecord = unchanged && Buffer.compare(cached.record, record) === 0;
  if (!isFirst) {
    context.counts.others++;
    whenSettled(node, () => {
      if (node.failed) {
        context.counts.others--;
        context.failures.keep(found, node.error).then((stored) => settle(keptOutcome(name, stored)), context.failures.end);
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
  const settleNode = (dirent: LeafDirent, signature: FileSignature | undefined): void => {
    const encoded = encodeDirent({ ...dirent, name: node.uuid as Octets, uuid: node.uuid });
    settleLinkedNode(node, encoded);
    node.names++;
    settle({ record, signature, node: encoded, links: 1 });
  };
  readNode(context, found, kind, node.uuid as Octets, {
    read: settleNode,
    unread: (stored, error) => {
      count(context, found, kind, -1);
      if (stored !== undefined && stored.kind !== 'dir') settleNode(stored, undefined);
      else {
        failLinkedNode(node, error);
        settle(keptOutcome(name, stored));
      }
    },
  });
}

function whenSettled(node: LinkedNode, then: () => void): void {
  if (node.encoded !== undefined || node.failed) then();
  else node.waiting.push(then);
}

/** Encodes a cached node again with its current uuid. */
function renamed(encoded: Uint8Array, node: LinkedNode): Uint8Array {
  return encodeDirent({ ...decodeDirent(encoded, 0).value, name: node.uuid as Octets, uuid: node.uuid });
}

/** Counts a node. @param by - -1 takes the count back if the node cannot be read */
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

/** Receives the result of reading a node. */
interface NodeReader {
  /** @param signature - for the cache; undefined if it cannot be trusted */
  readonly read: (dirent: LeafDirent, signature: FileSignature | undefined) => void;
  /** @param stored - its stored state, if any */
  readonly unread: (stored: StoredNode | undefined, error: unknown) => void;
}

function readNode(context: ImportContext, found: FoundNode, kind: LeafDirent['kind'], name: Octets, reader: NodeReader): void {
  const { dir, stat } = found;
  const keep = (error: unknown): void => {
    context.failures.keep(found, error).then((stored) => reader.unread(stored, error), context.failures.end);
  };
  if (kind === 'file' && stat.size > MAX_SIZE) {
    keep(new VtError('EFAILED', 'it has more than 2^53-1 bytes, the largest size of a file here'));
    return;
  }
  if (kind === 'file') {
    readFile(context, found, name, reader, keep);
    return;
  }
  try {
    const readAtMs = Date.now();
    const { xattrs, error } = dir.xattrsOf(found.name);
    const target = kind === 'symlink' ? dir.readlink(found.name) : undefined;
    const give = (attributes: ReadonlyMap<Octets, Uint8Array> | undefined, signature: FileSignature | undefined): void => {
      const meta = metaOf(stat, context.owners, attributes);
      if (kind === 'symlink') reader.read({ kind, name, meta, target: target ?? ('' as Octets) }, signature);
      else if (kind === 'char' || kind === 'block') reader.read({ kind, name, meta: { ...meta, rdev: rdevOf(stat) } }, signature);
      else reader.read({ kind, name, meta }, signature);
    };
    if (error === undefined) give(xattrs, isTrusted(stat, readAtMs) ? stat : undefined);
    else context.failures.keep(found, error).then((stored) => give(stored?.meta.xattrs, undefined), context.failures.end);
  } catch (error) {
    keep(error);
  }
}

function readFile(context: ImportContext, found: FoundNode, name: Octets, reader: NodeReader, keep: (error: unknown) => void): void {
  const { dir, stat } = found;
  const release = (error: unknown): never => {
    dir.release();
    throw error;
  };
  dir.hold();
  context.ingest
    .file({ dir: dir.fd, name: found.name }, stat)
    .then(async (file) => {
      const head = context.keepsTypes ? headOfFile({ dir: dir.fd, name: found.name }) : undefined;
      dir.release();
      if (!file.isStable) context.failures.fail(found, new Error('changed while it was read'));
      const xattrs = file.xattrError === undefined ? file.xattrs : (await context.failures.keep(found, file.xattrError))?.meta.xattrs;
      const isTrustworthy = file.isStable && file.xattrError === undefined && isTrusted(file.seen, file.readAtMs);
      const own = metaOf(file.stat ?? stat, context.owners, xattrs);
      const meta = head === undefined ? own : withFoundType(own, found.name, head);
      reader.read({ kind: 'file', name, meta, block: file.block }, isTrustworthy ? file.seen : undefined);
    }, release)
    .catch((error: unknown) => {
      const { failure } = context.ingest;
      if (failure !== undefined) context.failures.end(failure.error);
      keep(error);
    });
}

/** Whether an unchanged signature will prove that the file is unchanged. */
function isTrusted(signature: FileSignature, readAtMs: number): boolean {
  return BigInt(readAtMs) * 1_000_000n - signature.ctimeNs > TRUST_AGE_NS;
}
