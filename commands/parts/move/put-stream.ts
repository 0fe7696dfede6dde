import { closeSync, constants, createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { UsageError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { errorReason, pathBytes } from '../../../core/base/system/system-error.ts';
import type { Meta } from '../../../core/dirent/meta.ts';
import { specialFileAt } from '../../../core/export/special-file.ts';
import { metaOf } from '../../../core/import/import-meta.ts';
import type { CommandContext } from '../../command.ts';
import { newMeta, newMode } from '../new-meta.ts';

/** A content that is read as a stream, and its metadata. */
export interface PutStream extends Disposable {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly meta: Meta;
}

/** Opens the stream. */
export type OpenStream = (context: CommandContext) => PutStream;

const CHUNK_SIZE = 256 * 1024;

/**
 * How to read a LOCAL that is a stream: `-`, or an open file of this process such as `/dev/stdin`. With `--read-special`, also a device or
 * FIFO, or a symlink to one. Undefined for anything else.
 */
export function streamOf(word: Octets, local: Octets, readSpecial: boolean): OpenStream | undefined {
  if (word === '-') return (context) => descriptorStream(context, 0);
  const special = specialOrNone(local);
  const { descriptor } = special ?? {};
  if (descriptor !== undefined && isDescriptorPath(local)) return (context) => descriptorStream(context, descriptor);
  if (special === undefined || !readSpecial || special.kind === 'socket') return undefined;
  return (context) => specialStream(context, local);
}

/** Other symlinks are put as symlinks, wherever they lead. */
function isDescriptorPath(local: Octets): boolean {
  return /^\/(?:dev\/stdin|dev\/fd\/\d+|proc\/self\/fd\/\d+)$/.test(local);
}

function specialOrNone(local: Octets): ReturnType<typeof specialFileAt> {
  try {
    return specialFileAt(local);
  } catch {
    // Reading it reports the error.
    return undefined;
  }
}

function descriptorStream(context: CommandContext, fd: number): PutStream {
  const meta = newMeta(context, newMode('file'));
  if (fd === 0) return { chunks: context.shell.standardInput(context.signal), meta, [Symbol.dispose]() {} };
  try {
    fstatSync(fd);
  } catch (error) {
    throw new VtError('EFAILED', `put "/dev/fd/${fd}": ${errorReason(error)}`, { cause: error });
  }
  return { chunks: readDescriptor(fd, context.signal), meta, [Symbol.dispose]() {} };
}

function specialStream({ signal }: CommandContext, local: Octets): PutStream {
  const bytes = pathBytes(local);
  const stat = statSync(bytes, { bigint: true });
  const meta = metaOf(stat, systemOwnerNames(), undefined);
  if (stat.isFIFO()) return { ...fifoStream(bytes, signal), meta };
  const fd = openSync(bytes, constants.O_RDONLY);
  return { chunks: readDescriptor(fd, signal), meta, [Symbol.dispose]: () => closeSync(fd) };
}

/**
 * Waits for the writer of a FIFO, as cat does, without blocking the program: Ctrl-C ends the wait, and other jobs continue.
 *
 * @see pipe(7): a reader that does not block sees no end of file in poll(2) before the first writer has come and gone
 */
function fifoStream(bytes: Parameters<typeof openSync>[0], signal: AbortSignal): Pick<PutStream, 'chunks' | typeof Symbol.dispose> {
  const socket = new Socket({ fd: openSync(bytes, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
  addAbortSignal(signal, socket);
  return { chunks: socket as AsyncIterable<Uint8Array>, [Symbol.dispose]: () => void socket.destroy() };
}

function readDescriptor(fd: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return createReadStream('', { fd, autoClose: false, highWaterMark: CHUNK_SIZE, signal }) as AsyncIterable<Uint8Array>;
}

/** Requires NAME for an input without a name of its own. @throws {UsageError} if it is missing */
export function requireName(word: Octets, own: Octets): void {
  if (own === '') throw new UsageError(`put "${octetsToText(word)}": NAME is missing: this input has no name of its own`);
}
