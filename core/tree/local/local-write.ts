import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, open, rename, unlink } from 'node:fs/promises';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import type { HeldNode } from '../../base/system/hold-node.ts';
import { CAN_HOLD, holdNode } from '../../base/system/hold-node.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { reachPath } from '../../base/system/reach-path.ts';
import { pathBytes } from '../../base/system/system-error.ts';
import type { Meta } from '../../dirent/meta.ts';
import type { WriteOptions } from '../tree.ts';
import { copyLocalMeta, setLocalMeta } from './local-attributes.ts';
import type { LocalNode } from './local-node.ts';
import { localChildPath, localNode } from './local-node.ts';

/** Octets per read. */
const CHUNK_SIZE = 256 * 1024;

/** Makes an unused path in a directory for an incomplete file. */
export function temporaryPath(dir: Octets): Octets {
  return localChildPath(dir, `.vtftp-${randomBytes(8).toString('hex')}.tmp` as Octets);
}

/**
 * Writes a file through a temporary one beside it, so that its name never refers to an incomplete file. An existing
 * file keeps its metadata except the mtime. If it has several names, it also keeps its inode.
 *
 * @throws SystemError
 */
export async function writeLocal(
  place: { readonly dir: Octets; readonly path: Octets; readonly node: LocalNode | undefined },
  content: AsyncIterable<Uint8Array>,
  meta: Meta,
  owners: OwnerNames,
  { signal, onlyNew = false }: WriteOptions = {},
): Promise<void> {
  const temporary = temporaryPath(place.dir);
  using made = reachPath(temporary);
  using target = reachPath(place.path);
  try {
    const handle = await open(made.bytes, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o666);
    try {
      await writeAll(handle, content, signal);
    } finally {
      await handle.close();
    }
    const node = localNode(temporary);
    if (node !== undefined && place.node !== undefined && place.node.stat.nlink > 1n) {
      // Its other names must get the content too.
      await overwrite(
        place.path,
        readLocal(() => holdNode(temporary, node.stat), 0, Number.MAX_SAFE_INTEGER, signal),
        signal,
      );
      await unlink(made.bytes);
      if (meta.mtimeNs !== undefined) setLocalMeta(place.node, { mtimeNs: meta.mtimeNs }, owners);
      return;
    }
    if (place.node !== undefined) copyLocalMeta(place.node, temporary, owners);
    const mtimeNs = meta.mtimeNs ?? node?.stat.mtimeNs;
    if (node !== undefined) setLocalMeta(node, place.node === undefined ? meta : mtimeNs === undefined ? {} : { mtimeNs }, owners);
    if (onlyNew) {
      // Unlike rename(2), link(2) does not replace a file that was created meanwhile.
      await link(made.bytes, target.bytes);
      await unlink(made.bytes);
    } else await rename(made.bytes, target.bytes);
  } catch (error) {
    await unlink(made.bytes).catch(() => undefined);
    throw error;
  }
}

async function overwrite(path: Octets, content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
  using reached = reachPath(path);
  const handle = await open(reached.bytes, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  try {
    await writeAll(handle, content, signal);
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
  for await (const chunk of content) {
    throwIfCancelled(signal);
    for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten;
  }
}

/**
 * Reads the bytes `start` to `end` of a file on disk. A chunk is valid until the next is requested.
 *
 * @param hold - returns a held node, to keep the file until it is open
 * @throws {VtError} EFAILED if the file was replaced by something else
 */
export async function* readLocal(hold: () => HeldNode, start: number, end: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const handle = await openHeld(hold());
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
    for (let at = start; at < end; ) {
      throwIfCancelled(signal);
      const { bytesRead } = await handle.read(buffer, 0, Math.min(CHUNK_SIZE, end - at), at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function openHeld(held: HeldNode): Promise<FileHandle> {
  try {
    if (!held.stat.isFile()) throw new VtError('EFAILED', 'it was replaced meanwhile');
    // Without holding, a FIFO may have replaced the file: opening it must not block.
    return await open(pathBytes(held.node), constants.O_RDONLY | constants.O_NONBLOCK | (CAN_HOLD ? 0 : constants.O_NOFOLLOW));
  } finally {
    held[Symbol.dispose]();
  }
}
