import { spawn } from 'node:child_process';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import { errorCode, errorReason } from '../../base/system/system-error.ts';
import { connected } from './connected.ts';
import type { Link } from './link.ts';
import { connectLink, pipeInput, type SocketLink } from './socket-link.ts';
import type { SshAddress } from './ssh-command.ts';
import { sshArguments, sshEnd } from './ssh-command.ts';
import type { TlsKeys } from './tls-keys.ts';

/** The address of a served Store. */
export type StreamAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsKeys | undefined }
  /** The command's standard input and output are the connection. */
  | { readonly kind: 'command'; readonly command: string }
  | SshAddress;

/** Milliseconds of silence before the system sends TCP keep-alive probes. */
const KEEP_ALIVE_MS = 30_000;
/** Milliseconds in which a command must exit after its input has ended. */
const COMMAND_END_MS = 5000;
/** Milliseconds to wait for the reason why a command ended. */
const REASON_MS = 1000;
/** Maximum characters of a command's standard error that are kept for messages. */
const MAX_SAID = 2000;

/**
 * Parses `HOST:PORT`, `:PORT` or `PORT`; an IPv6 address is in brackets. Returns undefined for anything else.
 *
 * @param defaultHost - used if no host is given
 */
export function parseTcpAddress(text: string, defaultHost: string): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:(?:\[([\da-f:.%a-z]+)\]|([^:[\]]*)):)?(\d{1,5})$/i.exec(text.trim());
  const port = Number(found?.[3]);
  if (found === null || port > 65_535) return undefined;
  return { host: found[1] ?? (found[2] === undefined || found[2] === '' ? defaultHost : found[2]), port };
}

/**
 * Connects to a served Store.
 *
 * @param onSaid - called with each line of a command's standard error
 * @throws {VtError} EOPEN if nobody answers
 */
export async function dial(address: StreamAddress, name: string, onSaid: (line: string) => void, signal?: AbortSignal): Promise<Link> {
  throwIfCancelled(signal);
  if (address.kind === 'command') return run('/bin/sh', ['-c', address.command], onSaid, commandEnd);
  if (address.kind === 'ssh') return run('ssh', sshArguments(address), onSaid, (status, _, last) => sshEnd(address, status, last));
  return await connectSocket(address, name, signal);
}

async function connectSocket(
  address: Exclude<StreamAddress, { kind: 'command' | 'ssh' }>,
  name: string,
  signal?: AbortSignal,
): Promise<Link> {
  try {
    if (address.kind === 'unix') return (await connected(() => connectLink({ path: address.path }), 'connect', { signal })).link;
    const { socket, link } = await connectTcp(address, signal);
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    return link;
  } catch (error) {
    if (errorCode(error) === 'ECANCELLED') throw error;
    const remedy = 'check that it is served there: vtftp -c "serve ADDRESS"';
    throw new VtError('EOPEN', `open Store "${name}": ${errorReason(error)}`, { cause: error, remedy });
  }
}

async function connectTcp({ host, port, tls }: Extract<StreamAddress, { kind: 'tcp' }>, signal?: AbortSignal): Promise<SocketLink> {
  if (tls === undefined) return await connected(() => connectLink({ host, port }), 'connect', { signal });
  const { connectTls } = await import('./tls-link.ts');
  return await connected(() => connectTls(host, port, tls), 'secureConnect', { signal });
}

/** Explains why a program ended. @param last - the last line of its standard error */
type ProgramEnd = (status: number | null, by: NodeJS.Signals | null, last: string) => string;

function commandEnd(status: number | null, by: NodeJS.Signals | null, last: string): string {
  return `its command ended with ${by === null ? `status ${String(status)}` : by}${last === '' ? '' : `: ${last}`}`;
}

function run(program: string, args: readonly string[], onSaid: (line: string) => void, endOf: ProgramEnd): Link {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stderr } = child;
  const stdout = pipeInput(child.stdout);
  let said = '';
  let rest = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-MAX_SAID);
    const lines = `${rest}${text}`.split('\n');
    rest = (lines.pop() ?? '').slice(-MAX_SAID);
    for (const line of lines) if (line.trim() !== '') onSaid(line.trim());
  });
  stderr.on('error', () => undefined);
  let end: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end = `${program === 'ssh' ? 'ssh' : 'its command'} cannot be run: ${errorReason(error)}`;
      resolve();
    });
    child.once('close', (status, by) => {
      end ??= endOf(status, by, said.trim().split('\n').at(-1) ?? '');
      resolve();
    });
  });
  return {
    ...stdout,
    output: stdin,
    destroy() {
      stdin.destroy();
      stdout.input.destroy();
      child.unref();
      if (child.exitCode === null && child.signalCode === null) setTimeout(() => child.kill('SIGTERM'), COMMAND_END_MS).unref();
    },
    async reason() {
      await Promise.race([
        ended,
        new Promise((resolve) => {
          setTimeout(resolve, REASON_MS).unref();
        }),
      ]);
      return end;
    },
  };
}
