import type { OptionSpec } from './option-spec.ts';

/** The option of commands that take many names: the shell reads the file, and gives the command the names as its arguments. */
export const FILES_FROM0: OptionSpec = {
  name: 'files-from0',
  value: { name: 'FILE', kind: 'local' },
  summary: 'take the names in FILE, each ended by NUL; - is standard input',
};
