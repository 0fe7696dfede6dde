import { VtError } from '../../../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../../../core/base/octets.ts';
import type { FilterWord } from '../../../core/filter/name-filter.ts';
import type { Driver, Honours } from '../../../fuse/driver.ts';
import type { CommandInput } from '../../command.ts';

/** Seconds between two syncs of a mount where nobody says otherwise. */
const DEFAULT_SYNC_SECONDS = 30;

/** Octets of a volume's name, at most: as HFS+ allows. */
const MAX_VOLUME_NAME_SIZE = 255;

/** What `-o` says. */
export interface MountWords {
  readonly readOnly: boolean;
  readonly appendOnly: boolean;
  /** Every recorded state, as a Dir named by its date. */
  readonly all: boolean;
  readonly allowOther: boolean;
  readonly honours: Honours;
  readonly writeback: boolean;
  readonly syncSeconds: number;
  readonly volumeName: string | undefined;
  /** Which names are never stored. */
  readonly filter: readonly FilterWord[];
  /** Undefined: the system's own. */
  readonly driver: Driver | undefined;
}

/** The option `-o` of `mount`; '' where there is none. */
export function mountOptionsText({ options }: CommandInput): string {
  const text = options.get('options');
  return text === undefined || text === true ? '' : octetsToText(text);
}

/**
 * Reads the options of a mount, with commas between them.
 *
 * @throws {VtError} EUSAGE for words that it does not know, or that contradict each other
 */
export function parseMountOptions(text: string): MountWords {
  let words: MountWords = {
    readOnly: false,
    appendOnly: false,
    all: false,
    // Root mounts for everybody, as with any other filesystem: the permissions of files say who may do what.
    allowOther: process.geteuid?.() === 0,
    honours: { suid: false, dev: false, exec: true },
    writeback: true,
    syncSeconds: DEFAULT_SYNC_SECONDS,
    volumeName: undefined,
    filter: [],
    driver: undefined,
  };
  for (const word of text.split(',').filter((each) => each !== '')) {
    const rule = filterWord(word);
    const honours = honoursWord(word);
    if (rule !== undefined) words = { ...words, filter: [...words.filter, rule] };
    else if (honours !== undefined) words = { ...words, honours: { ...words.honours, ...honours } };
    else words = { ...words, ...readWord(word) };
  }
  checkHonours(words);
  if (words.appendOnly && (words.readOnly || words.all))
    throw new VtError('EUSAGE', 'mount -o: append-only is for what can be written', { remedy: 'leave out append-only, or ro and all' });
  return words;
}

/** `exclude=*.o`. */
function filterWord(word: string): FilterWord | undefined {
  const [name = '', ...rest] = word.split('=');
  if (name !== 'include' && name !== 'exclude' && name !== 'filter' && name !== 'include-from' && name !== 'exclude-from') return undefined;
  if (rest.length === 0) throw new VtError('EUSAGE', `mount -o "${word}": expected ${name}=`);
  return { kind: name, value: octetsFromText(rest.join('=')) };
}

/** `suid`, `nodev` and the like, as of mount(8). */
function honoursWord(word: string): Partial<Honours> | undefined {
  const [, no, name] = /^(no)?(suid|dev|exec)$/.exec(word) ?? [];
  return name === undefined ? undefined : { [name]: no === undefined };
}

function checkHonours({ honours, driver }: MountWords): void {
  for (const word of ['suid', 'dev'] as const) {
    if (!honours[word]) continue;
    if (process.geteuid?.() !== 0) throw new VtError('EPERM', `mount -o ${word}: only root may allow it`);
    if (driver === 'fuse-native')
      throw new VtError('EUNSUPPORTED', `mount -o ${word}: not with driver=fuse-native`, { remedy: 'use driver=kernel' });
  }
}

function readWord(word: string): Partial<MountWords> {
  const [name = '', ...rest] = word.split('=');
  const value = rest.join('=');
  switch (word) {
    case 'ro':
      return { readOnly: true };
    case 'rw':
      return { readOnly: false };
    case 'append-only':
      return { appendOnly: true };
    case 'all':
      return { all: true };
    case 'allow_other':
      return { allowOther: true };
    case 'noallow_other':
      return { allowOther: false };
    case 'nowriteback':
      return { writeback: false };
  }
  if (name === 'sync' && /^\d{1,6}$/.test(value)) return { syncSeconds: Number(value) };
  if (name === 'volname' && value !== '' && Buffer.byteLength(value) <= MAX_VOLUME_NAME_SIZE) return { volumeName: value };
  if (name === 'driver' && (value === 'kernel' || value === 'fuse-native')) return { driver: value };
  throw new VtError('EUSAGE', `mount -o "${word}": unknown`, {
    remedy:
      'use ro, append-only, all, allow_other, noallow_other, suid, dev, noexec, nowriteback, sync=SECONDS, volname=NAME, include=, exclude=, filter=, driver=kernel or driver=fuse-native',
  });
}
