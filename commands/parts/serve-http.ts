import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { serveWeb } from '../../core/http/server.ts';
import { canWrite } from '../../core/store/capability.ts';
import { parseTcpAddress } from '../../core/wire/links/dial.ts';
import { isLoopback } from '../../core/wire/links/loopback.ts';
import { readKeyFile } from '../../core/wire/links/tls-keys.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { recordHttpd } from './httpd-records.ts';
import { resolveLocalPath } from './local-path.ts';
import { showFollowing } from './move/follow-progress.ts';
import { rightsOption } from './rights-option.ts';
import { MIN_FREE_PERCENT } from './status-limits.ts';
import { statusItems } from './status-report.ts';

const LOOPBACK = '127.0.0.1';
const DEFAULT_ADDRESS = '8080';

/** Serves the Store of the session over HTTP until the command is cancelled. */
export async function serveHttp(context: CommandContext, input: CommandInput): Promise<void> {
  const { session, diagnostics, output, now } = context;
  const text = octetsToText(input.named.get('address')?.[0] ?? ('' as never)) || DEFAULT_ADDRESS;
  const address = parseTcpAddress(text, LOOPBACK);
  if (address === undefined) throw new UsageError(`httpd: "${text}" is not an address`, { remedy: 'use [HOST:]PORT' });
  const file = (name: string): string | undefined => {
    const given = input.options.get(name);
    return given === undefined || given === true ? undefined : octetsToText(resolveLocalPath(session.localCwd, given));
  };
  const table = rightsOption('httpd', input, session.localCwd, 'token', (notice) => diagnostics.warn(`httpd: ${notice}`));
  if (table === undefined && !isLoopback(address.host)) {
    throw new VtError('EPERM', `httpd "${text}": it can be reached from other machines`, {
      remedy: 'require a token by --token FILE or --rights FILE, or give only a PORT and reach it by ssh -L',
    });
  }
  const writes = table !== undefined && (input.options.has('write') || input.options.has('rights'));
  if (table === undefined && input.options.has('write'))
    throw new UsageError('httpd --write: anybody could write', { remedy: 'require a token by --token FILE or --rights FILE' });
  const tls = tlsFiles(file('tls-cert'), file('tls-key'));
  const { archive } = session;
  if (!session.tree.can.sync)
    throw new VtError('EUNSUPPORTED', `httpd "${session.tree.name}": an ordinary directory has no Blocks`, {
      remedy: 'put it into a Store, and serve that',
    });
  const dirref = await session.sync(context.signal);
  const name = archive === undefined ? undefined : basename(archive.name.replace(/^.*:/s, ''), '.vt');
  const server = await serveWeb({
    ...address,
    service: {
      store: session.store,
      archive: archive === undefined || name === undefined ? undefined : { name, archive },
      home: async () =>
        await Promise.resolve(name === undefined ? `/d/${encodeURIComponent(dirref)}/` : `/archive/${encodeURIComponent(name)}/`),
      isPublic: table === undefined,
      blocksAt: blocksAt(input),
      writes: writes ? { instance: randomUUID() } : undefined,
      now,
      status: async (signal) =>
        await statusItems(
          { session, now, signal, shell: context.shell },
          { maxAgeMs: Number.POSITIVE_INFINITY, minFreePercent: MIN_FREE_PERCENT },
        ),
      onFailure: (error) => diagnostics.warn(`httpd: ${error instanceof Error ? error.message : String(error)}`),
    },
    access: { table, hosts: new Set(input.repeated.filter(({ name }) => name === 'host').map(({ value }) => hostText(value))) },
    tls,
  });
  const record = recordHttpd(context.shell.env, session.store, server.url);
  try {
    output.line(`serving ${server.url}`);
    output.record({ serving: server.url });
    await showFollowing(context);
  } finally {
    record[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
    if (writes && canWrite(session.store)) await session.store.flush();
  }
}

function hostText(value: true | string): string {
  return value === true ? '' : value.toLowerCase();
}

function tlsFiles(cert: string | undefined, key: string | undefined): { readonly cert: Buffer; readonly key: Buffer } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new UsageError('httpd: --tls-cert and --tls-key go together', { remedy: 'give a certificate and its key' });
  return { cert: readKeyFile(cert), key: readKeyFile(key) };
}

function blocksAt({ options }: CommandInput): string | undefined {
  const given = options.get('blocks-at');
  if (given === undefined || given === true) return undefined;
  const text = octetsToText(given);
  if (!/^https?:\/\/[!-~]+$/.test(text)) throw new UsageError(`httpd --blocks-at: "${text}" is not an http or https URL`);
  return text.replace(/\/+$/, '');
}
