const TAKEN_BACK = 'undo takes a command back';

/** Options of the same commands in other programs (sftp, lftp, restic, sh), by command. */
const OPTIONS_ELSEWHERE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cp: { '-i': TAKEN_BACK, '-n': TAKEN_BACK, '-u': TAKEN_BACK },
  diff: { '-r': 'diff always compares what is below', '-q': 'use cmp' },
  find: { '-exec': 'mount, and use find there', '-delete': 'use rm, or mount and use find there' },
  forget: { '--prune': 'use forget, then gc' },
  get: { '-O': 'use get NAME DIR', '-o': 'use get NAME FILE', '--target': 'use get NAME DIR' },
  mv: { '-i': TAKEN_BACK, '-n': TAKEN_BACK, '-u': TAKEN_BACK },
  open: { '-S': 'use open STORE' },
  put: { '-o': 'use put FILE NAME', '--tag': 'use put, then sync and tag' },
  restore: { '--target': 'use get NAME@N DIR for local files', '-t': 'use get NAME@N DIR for local files' },
  rm: { '-i': TAKEN_BACK },
};

/** What does the same as an option of another program; undefined if nothing is known. @param option - as typed: `-i`, `--target` */
export function optionElsewhere(command: string, option: string): string | undefined {
  const known = OPTIONS_ELSEWHERE[command];
  return known !== undefined && Object.hasOwn(known, option) ? known[option] : undefined;
}
