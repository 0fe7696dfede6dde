import { basename } from 'node:path';
import { UsageError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import type { Peer } from '../../core/openers/peer-table.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';

/** `peer`: the Stores that Blocks are pulled from and pushed to. */
export const peer = defineCommand({
  name: 'peer',
  aliases: ['peers'],
  group: 'store',
  summary: 'add, list and drop peers: other Stores to pull from and push to',
  details: [
    'STORE is any specification: a folder, ssh://HOST/PATH, unix:PATH, tcp:HOST:PORT, a [clause] of the configuration, or a command in quotes, as in \'!ssh host "vtftp -c \\"serve -\\""\'. The remote shell must print nothing of its own. peer opens STORE at once, and keeps it open until --drop or the end of the session. pull and push use the only peer, or the one that --peer names.',
    'Each line has the name of a peer, its address, the time of one request, its hash function, and r for reading or rw for reading and writing. If a peer has another hash function, its Blocks cannot be used here without conversion; see transition.',
    'Without STORE peer lists all peers. vtftp accepts a specification that runs a command from the command line, from scripts, and from your own configuration, but never over a socket.',
  ],
  args: [{ name: 'store', kind: 'store', summary: 'what to add', optional: true }],
  options: [
    { name: 'name', short: 'n', value: { name: 'NAME', kind: 'text' }, summary: 'the name of the peer; default: from its specification' },
    { name: 'drop', short: 'd', value: { name: 'NAME', kind: 'peer' }, summary: 'close and remove a peer' },
  ],
  examples: [
    { line: 'peer ssh://backup/', says: 'the default Store of another machine' },
    { line: 'peer --name disk /mnt/disk/store', says: 'a Store on a disk' },
    { line: 'peer', says: 'lists the peers and their response times' },
  ],
  records: [
    {
      name: 'PeerInfo',
      summary: 'a peer',
      fields: {
        peer: 'text',
        specification: 'text',
        reached: 'text',
        latency_ms: 'number?',
        hash: 'text',
        write: 'boolean',
        trouble: 'text?',
      },
    },
  ],
  async run(context, { named, options }) {
    const { session, shell, diagnostics } = context;
    const { peers } = session;
    const drop = options.get('drop');
    const given = options.get('name');
    const [specification] = (named.get('store') ?? []).map(octetsToText);
    if (drop !== undefined && drop !== true) {
      if (specification !== undefined || given !== undefined) throw new UsageError('peer --drop: takes only a name');
      await peers.drop(octetsToText(drop));
      return;
    }
    if (specification === undefined) {
      if (given !== undefined) throw new UsageError('peer --name: STORE is missing');
      for (const one of peers.list()) await show(context, one);
      return;
    }
    const name = given === undefined || given === true ? freeName(specification, context) : checkedName(octetsToText(given), context);
    const store = await shell.openStore(specification, { signal: context.signal });
    const added: Peer = { name, specification, store };
    peers.add(added);
    if (store.hashName !== session.store.hashName) {
      diagnostics.warn(
        `peer ${name}: its hash function is ${store.hashName}, that of the session's Store ${session.store.hashName}: Blocks of one cannot be used in the other (transition converts a Store)`,
      );
    }
    await show(context, added);
  },
});

const NAME = /^[\w.@-]+$/;

function checkedName(name: string, { session }: CommandContext): string {
  if (!NAME.test(name)) throw new UsageError(`peer --name: "${name}" is not a valid name`, { remedy: 'use letters, digits and . _ - @' });
  const known = session.peers.get(name);
  if (known === undefined) return name;
  throw new UsageError(`peer --name: "${name}" is ${known.store.name}`, { remedy: `peer --drop ${name}, or use another name` });
}

/** A name made from a specification: the host, or the last element of a path. */
function freeName(specification: string, { session }: CommandContext): string {
  const text = specification.trim();
  const command = /^[!|]\s*(.*)$/s.exec(text)?.[1];
  const clause = /^\[\s*(.*?)\s*\]$/.exec(text)?.[1];
  const rest = text.replace(/^[a-z][a-z0-9+-]*:/i, '').split(',', 1)[0] ?? '';
  const host = /^ssh:/i.test(text)
    ? /^ssh:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)/i.exec(text)?.[1]?.replace(/[[\]]/g, '')
    : /^tcp:/i.test(text)
      ? rest.replace(/:\d+$/, '').replace(/[[\]]/g, '')
      : undefined;
  // Of `ssh -p 22 me@host vtftp …` the host: the first plain word after the program's that is no option, nor a number.
  const word = command
    ?.split(/\s+/)
    .slice(1)
    .find((one) => NAME.test(one) && !/^(?:-|\d+$)/.test(one));
  const wanted = clause ?? host ?? word ?? (command === undefined ? basename(rest).replace(/\.sock$/, '') : 'command');
  const base = wanted.replace(/[^\w.@-]+/g, '-').replace(/^-+|-+$/g, '') || 'peer';
  let name = base;
  for (let i = 2; session.peers.get(name) !== undefined; i++) name = `${base}-${i}`;
  return name;
}

/** One line for a peer; for an unreachable peer, followed by the reason. */
async function show({ output, signal }: CommandContext, { name, specification, store }: Peer): Promise<void> {
  let latencyMs: number | undefined;
  let trouble: string | undefined;
  try {
    latencyMs = await latencyOf(store, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    trouble = errorText(error);
  }
  const words = [
    name,
    store.name,
    latencyMs === undefined ? '-' : `${latencyMs.toFixed(2)} ms`,
    store.hashName,
    canWrite(store) ? 'rw' : 'r',
  ];
  output.line(`${words.join('  ')}${trouble === undefined ? '' : `  ${output.style('error', `failed: ${trouble}`)}`}`);
  output.record({
    peer: name,
    specification,
    reached: store.name,
    latency_ms: latencyMs,
    hash: store.hashName,
    write: canWrite(store),
    trouble,
  });
}

/** Milliseconds of one question: over a connection its round trip, else a look for a Block that is not there. */
async function latencyOf(store: Peer['store'], signal: AbortSignal): Promise<number> {
  const link = capability(store, 'link');
  if (link !== undefined) return await link.latency({ signal });
  const { hashcodeOf } = await import('../../core/block/hashcode.ts');
  const start = performance.now();
  await store.has([hashcodeOf(store.hashName, Buffer.from('is anybody there?'))], { signal });
  return performance.now() - start;
}
