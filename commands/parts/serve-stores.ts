import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { homeFolder } from '../../core/base/system/home-folder.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import { expandHome } from '../../core/openers/home-path.ts';
import { exportOf, ServedUsers, wholeTreeFault } from '../../core/rights/served-users.ts';
import { canWrite } from '../../core/store/capability.ts';
import { RecordCheckers } from '../../core/store/records/record-checker.ts';
import type { Store } from '../../core/store/store.ts';
import { parseTcpAddress } from '../../core/wire/links/dial.ts';
import { isLoopback } from '../../core/wire/links/loopback.ts';
import type { InputLink } from '../../core/wire/links/socket-link.ts';
import { descriptorInput } from '../../core/wire/links/socket-link.ts';
import { readTlsKeys } from '../../core/wire/links/tls-keys.ts';
import type { ListenAddress } from '../../core/wire/serve-sockets.ts';
import { serveSockets } from '../../core/wire/serve-sockets.ts';
import { serveLink } from '../../core/wire/serve-streams.ts';
import type { StoreExport, StoreService } from '../../core/wire/store-session.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { numberOption } from '../words/number-option.ts';
import { resolveLocalPath } from './local-path.ts';
import { showFollowing } from './move/follow-progress.ts';
import { rightsOption } from './rights-option.ts';

const LOOPBACK = '127.0.0.1';
/** The first descriptor that systemd passes: SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_SYSTEMD_FD = 3;

/** Serves the Store of the session, and others by name, until the command is cancelled or the client on standard input ends. */
export async function serveStores(
  context: CommandContext,
  input: CommandInput,
  addressText: string,
  exportTexts: readonly string[],
): Promise<void> {
  const { session, shell, signal, diagnostics } = context;
  const onNotice = (notice: string): void => diagnostics.warn(`serve: ${notice}`);
  const table = rightsOption('serve', input, session.localCwd, 'secret', onNotice);
  const tls = readTlsKeys({ cert: '--tls-cert', key: '--tls-key', ca: '--tls-ca' }, (name) => {
    const file = input.options.get(name.slice(2));
    return file === undefined || file === true ? undefined : resolveLocalPath(session.localCwd, file);
  });
  const address = addressText === '-' ? undefined : listenAddress(context, addressText, table !== undefined || tls !== undefined);
  if (tls !== undefined && address?.kind !== 'tcp')
    throw new UsageError(`serve: "${addressText}" cannot use TLS`, { remedy: 'use tcp:[HOST:]PORT' });
  const opened: Store[] = [];
  await using checkers = new RecordCheckers();
  let users: ServedUsers | undefined;
  try {
    const isReadOnly = input.options.has('read-only');
    const isAppendOnly = input.options.has('append-only');
    // A client on standard input has the rights of this user, unless options limit them.
    const mount = address === undefined && !isReadOnly && !isAppendOnly && table === undefined ? session.attachedTo : undefined;
    const exports = new Map<string, StoreExport>([['', { ...exportOf(session.store), mount }]]);
    for (const text of exportTexts) {
      const { name, specification } = parseExport(text);
      if (exports.has(name)) throw new UsageError(`serve: there are two Stores of the name "${name}"`);
      const store = await shell.openStore(specification, { signal });
      opened.push(store);
      exports.set(name, exportOf(store));
    }
    const everybody: StoreService = {
      exports,
      isReadOnly,
      ...(isAppendOnly ? { isAppendOnly: true, rootFault: wholeTreeFault } : {}),
      instance: randomUUID(),
      checkers,
    };
    users = table && new ServedUsers(table, everybody);
    const service = users === undefined ? everybody : { ...everybody, users: () => users?.list() ?? [] };
    if (address === undefined) await serveStandardStreams(service, shell.traceWire, signal);
    else {
      const maxClients = maxClientsOf(input);
      const uid = process.getuid?.();
      const server = await serveSockets(address, { service, uid, trace: shell.traceWire, onNotice, tls, ...maxClients });
      context.output.line(`serving ${server.address}`);
      context.output.record({ serving: server.address });
      // Progress of followed files is shown meanwhile.
      await showFollowing(context);
      await server[Symbol.asyncDispose]();
    }
    for (const { store } of exports.values()) if (canWrite(store)) await store.flush();
  } finally {
    await users?.[Symbol.asyncDispose]();
    for (const store of opened) await store[Symbol.asyncDispose]();
  }
}

function parseExport(text: string): { readonly name: string; readonly specification: string } {
  const found = /^([\w.-]+)=(.+)$/s.exec(text);
  if (found?.[1] === undefined || found[2] === undefined)
    throw new UsageError(`serve: expected NAME=STORE, got "${text}"`, { remedy: 'write it as photos=/srv/photos' });
  return { name: found[1], specification: found[2] };
}

function maxClientsOf(input: CommandInput): { readonly maxClients?: number } {
  const maxClients = numberOption(input, 'max-clients');
  return maxClients === undefined ? {} : { maxClients };
}

function listenAddress({ session, shell }: CommandContext, text: string, hasSecret: boolean): ListenAddress {
  if (text === 'systemd') {
    const { LISTEN_PID, LISTEN_FDS } = shell.env;
    if (LISTEN_FDS === '1' && (LISTEN_PID === undefined || LISTEN_PID === String(process.pid))) return { kind: 'fd', fd: FIRST_SYSTEMD_FD };
    throw new VtError('EOPEN', 'serve systemd: systemd passed no socket', {
      remedy: 'start it by a socket unit, such as vtftp.socket',
    });
  }
  const path = text.startsWith('unix:') ? text.slice('unix:'.length) : text.includes('/') && !text.startsWith('tcp:') ? text : undefined;
  if (path !== undefined && path !== '') {
    const home = homeFolder(shell.env['HOME']);
    return { kind: 'unix', path: octetsToText(resolveLocalPath(session.localCwd, octetsFromText(expandHome(path, home)))) };
  }
  const found = text.startsWith('tcp:') ? parseTcpAddress(text.slice('tcp:'.length), LOOPBACK) : undefined;
  if (found === undefined)
    throw new UsageError(`serve: "${text}" is not an address`, { remedy: 'use unix:PATH, tcp:[HOST:]PORT, - or systemd' });
  if (!hasSecret && !isLoopback(found.host)) {
    throw new VtError('EPERM', `serve "${text}": it can be reached from other machines`, {
      remedy:
        'ask for certificates by --tls-cert, --tls-key and --tls-ca, or a secret by --secret; or serve tcp:PORT on this machine alone and reach it by ssh',
    });
  }
  return { kind: 'tcp', ...found };
}

async function serveStandardStreams(
  service: StoreService,
  trace: ((line: string) => void) | undefined,
  signal: AbortSignal,
): Promise<void> {
  let input: InputLink;
  let output: Socket;
  try {
    // Own streams, since those of the process write synchronously.
    input = descriptorInput(0);
    output = new Socket({ fd: 1, readable: false, writable: true });
  } catch (error) {
    throw new UsageError(`serve -: standard input and output are not a connection (${errorReason(error)})`, {
      remedy: 'it is for a command of a specification: -S \'!ssh host "vtftp -c \\"serve -\\""\'',
    });
  }
  const destroy = (): void => {
    input.input.destroy();
    output.destroy();
  };
  const client = serveLink({ ...input, output, destroy }, 'standard input', service, { trace, welcomeMs: 0 });
  const drain = (): void => client.drain();
  signal.addEventListener('abort', drain, { once: true });
  await client.closed;
  signal.removeEventListener('abort', drain);
}
