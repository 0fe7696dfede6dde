import type { OptionSpec } from '../words/option-spec.ts';

/** `--rights FILE`: who may do what. */
export const RIGHTS_OPTION: OptionSpec = {
  name: 'rights',
  value: { name: 'FILE', kind: 'local' },
  summary: 'serve those whose secret has a line in FILE, each with the rights of that line',
};

/** `--rights FILE` of who uses one line of it. */
export const ONE_RIGHTS_OPTION: OptionSpec = { ...RIGHTS_OPTION, summary: 'the file of --rights of httpd' };

/** What the help of a server says of it. */
export const RIGHTS_DETAIL =
  '--rights FILE gives each client rights of its own. A line is a name, a secret of 16 characters or more, and rights, as in "anna 3f9c1e… read add=anna". read is to read everything, and add to add Blocks, to record roots in the order of time, and to read. read=ARCHIVE and add=ARCHIVE are for these archives alone, read=ARCHIVE/PATH for what is below PATH. all is everything, as by one secret. Without a right to all archives a client gets only Blocks of what it may read, and those that it added: to know a hashcode is no right. Who removes a line takes its rights away at once. FILE is private (mode 0600). man 7 vt says more.';
