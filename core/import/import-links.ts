import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { uuidFromBytes } from '../base/uuid.ts';
import type { Block } from '../block/block.ts';
import type { BlockSink } from '../block/block-sink.ts';
import { DirWriter } from '../dirent/dir-codec.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';

/** A local node with several names. */
export interface LinkedNode {
  readonly uuid: string;
  /** Stored names so far. */
  names: number;
  /** Its Dirent, named by its uuid, once it is known. */
  encoded: Uint8Array | undefined;
  /** It could not be read. */
  failed: boolean;
  /** The error, if it failed. */
  error: unknown;
  /** Called once `encoded` or `failed` is set. */
  readonly waiting: (() => void)[];
}

/**
 * The nodes with several names in one import. Their uuids are derived from their first paths, so that the same tree always gives the same
 * Dirref. Each node takes about 400 bytes of memory.
 */
export class ImportedLinks {
  readonly #nodes = new Map<string, LinkedNode>();

  /** Finds or adds the node of a name; `isFirst` says whether it is new. @param path - the path of the name, relative to the top */
  meet(stat: Pick<BigIntStats, 'dev' | 'ino'>, path: Octets): { readonly node: LinkedNode; readonly isFirst: boolean } {
    const key = `${stat.dev}:${stat.ino}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return { node: known, isFirst: false };
    const node: LinkedNode = { uuid: linkUuid(path), names: 0, encoded: undefined, failed: false, error: undefined, waiting: [] };
    this.#nodes.set(key, node);
    return { node, isFirst: true };
  }

  /** Whether a node has only one of its names in this import. The others are outside. */
  get hasSingles(): boolean {
    for (const { encoded, names } of this.#nodes.values()) if (encoded !== undefined && names === 1) return true;
    return false;
  }

  /** Stores the inode table; undefined if there are no such nodes. */
  store(sink: BlockSink): Block | undefined {
    const nodes = [...this.#nodes.values()].filter((node) => node.encoded !== undefined && node.names > 0);
    if (nodes.length === 0) return undefined;
    nodes.sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
    const writer = new DirWriter(sink);
    for (const { encoded, names } of nodes) {
      if (encoded !== undefined) writer.add({ ...decodeDirent(encoded, 0).value, nlink: names });
    }
    return writer.finish();
  }
}

/** Sets the encoded Dirent of a node, and calls those who wait for it. */
export function settleLinkedNode(node: LinkedNode, encoded: Uint8Array): void {
  node.encoded = encoded;
  for (const wake of node.waiting.splice(0)) wake();
}

/** Marks a node as failed, and calls those who wait for it. */
export function failLinkedNode(node: LinkedNode, error: unknown): void {
  node.failed = true;
  node.error = error;
  for (const wake of node.waiting.splice(0)) wake();
}

/** Derives a uuid of version 8 (RFC 9562) from the path of a node's first name. */
function linkUuid(path: Octets): string {
  const bytes = hash('sha256', Buffer.from(`vtftp link\0${path}`, 'latin1'), 'buffer').subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidFromBytes(bytes);
}
