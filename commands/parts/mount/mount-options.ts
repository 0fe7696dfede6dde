import { UsageError, VtError } from '../../../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../../../core/base/octets.ts';
import type { FilterWord } from '../../../core/filter/name-filter.ts';
import { DRIVERS, type Driver, type Honours } from '../../../fuse/driver.ts';
import type { CommandInput } from '../../command.ts';
import type { OptionUse } from '../../words/option-spec.ts';
import { readOptionList } from '../../words/read-option-list.ts';
import { filterWords } from '../filter-options.ts';
import { DEFAULT_SYNC_SECONDS, MOUNT_OPTIONS } from './mount-option-rows.ts';

/** Bytes of a volume's name, at most, as in HFS+. */
const MAX_VOLUME_NAME_SIZE = 255;

/** The parsed options of `-o`. */
export interface MountWords {
  readonly readOnly: boolean;
  readonly appendOnly: boolean;
  /** Whether to show every recorded state, as a Dir named by its date. */
  readonly all: boolean;
  readonly allowOther: boolean;
  readonly honours: Honours;
  readonly writeback: boolean;
  readonly syncSeconds: number;
  readonly volumeName: string | undefined;
  /** Rules for names that are never stored. */
  readonly filter: readonly FilterWord[];
  /** Undefined: the default of the system. */
  readonly driver: Driver | undefined;
}

/** The text of the option `-o` of `mount`; '' if it is not given. */
export function mountOptionsText({ options }: CommandInput): string {
  const text = options.get('options');
  return text === undefined || text === true ? '' : octetsToText(text);
}

/**
 * Parses the options of a mount, separated by commas.
 *
 * @throws {VtError} EUSAGE for unknown or contradictory options, EPERM for options that only root may use, EUNSUPPORTED for options that
 *   the driver lacks
 */
export function parseMountOptions(text: string): MountWords {
  let words: MountWords = {
    readOnly: false,
    appendOnly: false,
    all: false,
    // Mounts of root are open to everybody, as with other filesystems: file permissions decide.
    allowOther: process.geteuid?.() === 0,
    honours: { suid: false, dev: false, exec: true },
    writeback: true,
    syncSeconds: DEFAULT_SYNC_SECONDS,
    volumeName: undefined,
    filter: [],
    driver: undefined,
  };
  for (const use of readOptionList('mount -o', MOUNT_OPTIONS, text, 'help mount lists them'))
    words = { ...words, ...meaningOf(use, words) };
  checkHonours(words);
  if (words.appendOnly && (words.readOnly || words.all))
    throw new VtError('EUSAGE', 'mount -o: append-only excludes ro and all', { remedy: 'leave out append-only, or ro and all' });
  return words;
}

/** What one option changes. */
function meaningOf({ name, value }: OptionUse<boolean | string>, { honours, filter }: MountWords): Partial<MountWords> {
  return typeof value === 'boolean' ? meaningOfFlag(name, value, honours) : meaningOfValue(name, value, filter);
}

function meaningOfFlag(name: string, isOn: boolean, honours: Honours): Partial<MountWords> {
  switch (name) {
    case 'ro':
      return { readOnly: true };
    case 'rw':
      return { readOnly: false };
    case 'append-only':
      return { appendOnly: true };
    case 'all':
      return { all: true };
    case 'allow_other':
      return { allowOther: isOn };
    case 'writeback':
      return { writeback: isOn };
    default:
      return { honours: { ...honours, [name]: isOn } };
  }
}

function meaningOfValue(name: string, value: string, filter: readonly FilterWord[]): Partial<MountWords> {
  switch (name) {
    case 'sync':
      return { syncSeconds: Number(value) };
    case 'volname':
      if (Buffer.byteLength(value) > MAX_VOLUME_NAME_SIZE)
        throw new UsageError(`mount -o volname: expected at most ${MAX_VOLUME_NAME_SIZE} bytes`);
      return { volumeName: value };
    case 'driver':
      return { driver: DRIVERS.find((driver) => driver === value) };
    default:
      return { filter: [...filter, ...filterWords({ repeated: [{ name, value: octetsFromText(value) }] })] };
  }
}

function checkHonours({ honours, driver }: MountWords): void {
  for (const word of ['suid', 'dev'] as const) {
    if (!honours[word]) continue;
    if (process.geteuid?.() !== 0) throw new VtError('EPERM', `mount -o ${word}: only root may allow it`);
    if (driver === 'fuse-native')
      throw new VtError('EUNSUPPORTED', `mount -o ${word}: not with driver=fuse-native`, { remedy: 'use driver=kernel' });
  }
}
