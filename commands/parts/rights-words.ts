import type { OptionSpec } from '../words/option-spec.ts';

/** `--rights FILE`: the rights of each client. */
export const RIGHTS_OPTION: OptionSpec = {
  name: 'rights',
  value: { name: 'FILE', kind: 'local' },
  summary: 'serve clients whose secret has a line in FILE, each with the rights of that line',
};

/** `--rights FILE` of a command that uses one line of it. */
export const ONE_RIGHTS_OPTION: OptionSpec = { ...RIGHTS_OPTION, summary: 'the same FILE as for httpd --rights' };

/** The help text of a server about rights. */
export const RIGHTS_DETAIL =
  '--rights FILE gives each client its own rights. A line has a name, a secret of at least 16 characters, and rights, as in "anna 3f9c1e… read add=anna". read allows reading everything. add allows reading, adding Blocks, and recording newer roots. read=ARCHIVE and add=ARCHIVE limit this to an archive, and read=ARCHIVE/PATH to what is below PATH. all allows everything, as a single secret does. A client without a right to all archives gets only Blocks of what it may read and Blocks that it added: knowing a hashcode gives no right. Removing a line ends its rights at once. FILE must be private (mode 0600). See man 7 vt, "RIGHTS".';
