import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EDITED_FILES } from './edited-archives.ts';
import { measure, settle } from './measure.ts';

/** What of the second version of a file was found in the first. */
interface Found {
  readonly name: string;
  readonly says: string;
  readonly bytes: number;
  /** New octets of the second version, and seconds of both puts. */
  readonly withParser: { readonly newBytes: number; readonly seconds: number };
  readonly without: { readonly newBytes: number; readonly seconds: number };
}

/** Stores two versions of files of parts with and without the parser that knows them. @returns a table, and what is in it */
export function benchDedup(program: string, folder: string, scale: number): { readonly table: string; readonly found: readonly Found[] } {
  mkdirSync(folder, { recursive: true });
  const found = EDITED_FILES.map(({ name, says, make }): Found => {
    const [first, second] = [join(folder, `first-${name}`), join(folder, `second-${name}`)];
    make(first, second, scale);
    const { size } = statSync(second);
    const versions = { first, second, live: join(folder, name) };
    return {
      name,
      says,
      bytes: size,
      withParser: storeBoth(program, folder, versions, ''),
      without: storeBoth(program, folder, versions, '--parser=none'),
    };
  });
  rmSync(folder, { recursive: true });
  const rows = found.map(
    ({ name, says, bytes, withParser, without }) =>
      `| ${says} (${name}) | ${(bytes / 1e6).toFixed(1)} | ${newText(withParser.newBytes, bytes)} | ${newText(without.newBytes, bytes)} | ${withParser.seconds.toFixed(2)} / ${without.seconds.toFixed(2)} |`,
  );
  const head = ['| | MB | new in the second version, KB: with parser | without | both puts, s |', '|---|---|---|---|---|'];
  return {
    table: ['### dedup: 2 % of the parts changed, 1 % removed, 1 % added', '', ...head, ...rows, ''].join('\n'),
    found,
  };
}

function newText(newBytes: number, bytes: number): string {
  return `${(newBytes / 1e3).toFixed(0)} (${((newBytes / bytes) * 100).toFixed(1)} %)`;
}

function storeBoth(
  program: string,
  folder: string,
  { first, second, live }: { readonly first: string; readonly second: string; readonly live: string },
  option: string,
): { readonly newBytes: number; readonly seconds: number } {
  const store = join(folder, `store${option}-${Date.now()}`);
  let seconds = 0;
  let newBytes = 0;
  for (const version of [first, second]) {
    renameSync(version, live);
    settle();
    const line = `"${process.execPath}" "${program}" -q -S "$STORE" --json -c "put ${option} '${live}' file; quit"`;
    const cost = measure(line, { STORE: store, HOME: folder, XDG_CACHE_HOME: folder }, folder);
    seconds += cost.seconds;
    const said = JSON.parse(cost.stdout.split('\n')[0] ?? '') as { readonly new_bytes: number };
    newBytes = said.new_bytes;
    renameSync(live, version);
  }
  rmSync(store, { recursive: true });
  return { newBytes, seconds };
}
