import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { LOST_MS } from '../wire/limits.ts';
import type { StreamAddress } from '../wire/links/dial.ts';
import { dial, parseTcpAddress } from '../wire/links/dial.ts';
import { parseSshAddress } from '../wire/links/ssh-command.ts';
import { readTlsKeys } from '../wire/links/tls-keys.ts';
import { PlainStreamStore } from '../wire/plain-stream-store.ts';
import { readSecret } from '../wire/secret.ts';
import { StreamClient } from '../wire/stream-client.ts';
import { StreamStore } from '../wire/stream-store.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, textParameter } from './specification.ts';

/** The address that stands for this machine if a tcp specification has no host. */
const LOOPBACK = '127.0.0.1';
/** Milliseconds within which the server behind a socket must answer the first request. */
const SOCKET_HELLO_MS = 30_000;

/** Opens `unix:PATH`. */
export async function openUnixStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const path = expandHome(textParameter(given, 'path') ?? '', context.homePath);
  return await openStream({ kind: 'unix', path }, given, context);
}

/** Opens `tcp:HOST:PORT`. */
export async function openTcpStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const found = parseTcpAddress(textParameter(given, 'address') ?? '', LOOPBACK);
  if (found === undefined || found.port === 0)
    throw new VtError('EOPEN', `open Store "${context.name}": expected HOST:PORT`, { remedy: 'write it as tcp:host:7070' });
  const tls = readTlsKeys({ cert: 'cert=', key: 'key=', ca: 'ca=' }, (name) => {
    const path = textParameter(given, name.slice(0, -1));
    return path === undefined ? undefined : expandHome(path, context.homePath);
  });
  return await openStream({ kind: 'tcp', ...found, tls }, given, context);
}

/** Opens `!COMMAND`: a Store that a command serves on its standard input and output. */
export async function openCommandStore(command: string, context: OpenContext): Promise<Store> {
  return await openStream({ kind: 'command', command }, {}, context);
}

/**
 * Opens `ssh://[USER@]HOST[:PORT]/[STORE]`: a Store that vtftp serves on another machine, reached by ssh.
 *
 * @throws {VtError} EOPEN for an invalid address or a failed connection, EPERM if no command may be run
 */
export async function openSshStore(given: StoreParameters, context: OpenContext): Promise<Store> {
  const address = parseSshAddress(textParameter(given, 'address') ?? '');
  if (address === undefined)
    throw new VtError('EOPEN', `open Store "${context.name}": expected ssh://[USER@]HOST[:PORT]/[STORE]`, {
      remedy:
        'write the Store as a path: ssh://host/srv/store, or ssh://host/~/store below the home directory; ssh://host/ is the default Store',
    });
  if (context.runsCommands !== true)
    throw new VtError('EPERM', `open Store "${context.name}": a specification that runs ssh is not allowed here`, {
      remedy: 'give it on the command line',
    });
  return await openStream(address, given, context);
}

async function openStream(address: StreamAddress, given: StoreParameters, context: OpenContext): Promise<Store> {
  const { name, onNotice, homePath } = context;
  const secretFile = textParameter(given, 'secret');
  const asked = hashParameter(given);
  const isCommand = address.kind === 'command' || address.kind === 'ssh';
  const client = new StreamClient({
    name,
    dial: async (signal) => await dial(address, name, (line) => onNotice?.(`${name}: ${line}`), signal),
    exportName: textParameter(given, 'export'),
    secret: secretFile === undefined ? undefined : readSecret(expandHome(secretFile, homePath)),
    isPlain: textParameter(given, 'protocol') === 'vt',
    plainHash: asked ?? context.assumedHash,
    // No limit for a command: it may wait for a password.
    helloMs: isCommand ? undefined : SOCKET_HELLO_MS,
    trace: context.traceWire,
    onSilent: (silentMs) =>
      onNotice?.(`${name}: no answer for ${Math.round(silentMs / 1000)} s; after ${LOST_MS / 1000} s the connection is given up`),
  });
  try {
    const description = await client.open(context.signal);
    if (client.isPlain) {
      if (asked === undefined && context.assumedHash === undefined)
        onNotice?.(
          `Store "${name}": it does not report its hash function; ${description.hashName} is assumed (to change that, give hash=NAME)`,
        );
      return new PlainStreamStore(client, description.hashName, context.readOnly === true);
    }
    if (asked !== undefined && asked !== description.hashName)
      throw new VtError('EOPEN', `open Store "${name}": its hash function is ${description.hashName}`, {
        remedy: `leave out hash=${asked}`,
      });
    return new StreamStore(client, description, {
      isReadOnly: context.readOnly,
      // The user logged in to such a server.
      takesMount: isCommand,
      importsFolder: context.cachePath === undefined ? undefined : join(context.cachePath, 'imports'),
    });
  } catch (error) {
    await client.close();
    throw error;
  }
}
