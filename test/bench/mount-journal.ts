import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { storedBytes } from './measure.ts';
import type { MountPeer } from './mount-peers.ts';
import { MountTurn } from './mount-peers.ts';
import { serverOf } from './mount-server.ts';
import type { Verdict } from './targets.ts';
import { MIB } from './workloads.ts';

/** What a journal and the roots behind it cost. */

/** Commits of one row. */
const COMMITS = 60;

/** A shell line that waits until a root is recorded. */
const RECORD = 'setfattr -n user.x-vt-control -v sync $MNT';

/** Octets that the Store grows by for each octet that SQLite writes, where each of many processes commits one row to a database of 12 MB. */
export function growthVerdict(peer: MountPeer, own: string, from: string): Verdict {
  using turn = new MountTurn(peer, own, from);
  turn.store();
  turn.mountCold();
  const rows = 'insert into t select value, hex(randomblob(50)) from generate_series(1, 100000);';
  turn.run(`echo "create table t(a, b); ${rows}" | sqlite3 $PATH_THERE/growth.db && ${RECORD}`);
  const before = storedBytes(join(own, 'store'));
  const commit = 'sqlite3 growth.db "insert into t values($i, hex(randomblob(50)))"';
  // What a shell's children have written is added to its own once they have ended.
  const said = turn.read(`cd $PATH_THERE; for i in $(seq ${COMMITS}); do ${commit}; done; grep wchar /proc/$$/io`);
  turn.run(RECORD);
  const grown = storedBytes(join(own, 'store')) - before;
  turn.unmount();
  const reached = grown / Number(/\d+/.exec(said)?.[0]);
  return { part: 'mount', what: 'growth of the Store, to what SQLite wrote', reached, limit: 2, isReached: reached <= 2 };
}

/** Octets that are in the journal when the process that serves the mount is killed: a root is made of a little more. */
const JOURNAL_SIZE = 30 * MIB;

/** Seconds that a session takes longer for each 100 MB of journal that it recovers. */
export function recoveryVerdict(peer: MountPeer & { readonly look: string }, own: string, from: string): Verdict {
  using turn = new MountTurn(peer, own, from);
  turn.store();
  turn.mountCold();
  turn.run(RECORD);
  const child = fileURLToPath(new URL('./mount-ops.js', import.meta.url));
  execFileSync(process.execPath, [child, 'synced MiB', join(turn.path, 'synced'), String(JOURNAL_SIZE / MIB)]);
  const pid = serverOf(turn.mountPoint);
  if (pid === undefined) throw new Error(`"${turn.mountPoint}": nobody serves it`);
  process.kill(pid, 'SIGKILL');
  spawnSync('umount', ['-l', turn.mountPoint]);
  const recovered = turn.run(peer.look);
  const seconds = recovered - turn.run(peer.look);
  const reached = seconds / (JOURNAL_SIZE / 1e8);
  return { part: 'mount', what: 'recovery of 100 MB of journal, seconds', reached, limit: 1, isReached: reached <= 1 };
}
