import { DRIVERS } from '../../../fuse/driver.ts';
import type { OptionSpec } from '../../words/option-spec.ts';
import { FILTER_OPTIONS } from '../filter-options.ts';

/** Default seconds between two syncs of a mount. */
export const DEFAULT_SYNC_SECONDS = 30;

/** Rules for names, as options of `mount` and of `mount -o`. */
export const MOUNT_FILTER_OPTIONS: readonly OptionSpec[] = [
  ...FILTER_OPTIONS.filter(({ name }) => name !== 'filter-files' && name !== 'filter'),
  { name: 'filter', value: { name: 'RULE', kind: 'text' }, repeat: true, summary: 'a rule, as "- *.o"' },
];

/** The options of `mount -o`. */
export const MOUNT_OPTIONS: readonly OptionSpec[] = [
  { name: 'ro', summary: 'refuse all writes' },
  { name: 'rw', summary: 'allow writes; the default' },
  {
    name: 'append-only',
    summary: 'allow new names and appends; refuse to remove, rename, truncate or overwrite',
  },
  { name: 'all', summary: 'show every recorded state, new ones too, as a read-only Dir named by its date' },
  { name: 'allow_other', negatable: true, summary: 'let other users enter, or do not; the default is to let them only if root mounts' },
  { name: 'suid', negatable: true, summary: 'honour setuid programs, or do not; nosuid is the default, and only root may allow them' },
  { name: 'dev', negatable: true, summary: 'honour devices, or do not; nodev is the default, and only root may allow them' },
  { name: 'exec', negatable: true, summary: 'let programs run, or do not; exec is the default' },
  {
    name: 'writeback',
    negatable: true,
    summary: 'let the kernel collect writes in its page cache, or do not; writeback is the default if only one mount writes',
  },
  {
    name: 'sync',
    value: { name: 'SECONDS', kind: 'number', min: 0, max: 999_999 },
    summary: `the time between two syncs while something changes; 0 for none, default ${DEFAULT_SYNC_SECONDS}`,
  },
  { name: 'volname', value: { name: 'NAME', kind: 'text' }, summary: 'the volume name that Finder and the command mounts show' },
  ...MOUNT_FILTER_OPTIONS,
  {
    name: 'driver',
    value: { kind: 'text', choices: DRIVERS },
    summary: 'the driver: kernel, the default on Linux, speaks the FUSE protocol itself; fuse-native needs libfuse 2 or macFUSE',
  },
];
