import { execFileSync } from 'node:child_process';
import { median } from './measure.ts';

/** Downloads of a tar before those that are measured: a server compiles what it uses often. */
const WARM_UP = 3;
/** Measurements a round. */
const TIMES = 3;

/** Seconds that a tar of the same files takes: from `httpd`, and from tar(1) into a pipe. */
export interface TarTimes {
  readonly httpd: number;
  readonly tar: number;
}

/**
 * A Dir as a tar beside tar(1), in turns.
 *
 * @param url - of the Dir, with a slash at its end
 * @param folder - has the same files
 */
export function timeTar(url: string, folder: string, rounds: number): TarTimes {
  const ours = `curl -sf -o /dev/null '${url}?tar'`;
  const theirs = `tar c -C '${folder}' . | cat >/dev/null`;
  for (let i = 0; i < WARM_UP; i++) for (const command of [ours, theirs]) seconds(command);
  const times = Array.from({ length: TIMES * rounds }, () => ({ httpd: seconds(ours), tar: seconds(theirs) }));
  return { httpd: median(times.map(({ httpd }) => httpd)), tar: median(times.map(({ tar }) => tar)) };
}

function seconds(command: string): number {
  const start = performance.now();
  execFileSync('bash', ['-c', `set -o pipefail; ${command}`]);
  return (performance.now() - start) / 1000;
}
