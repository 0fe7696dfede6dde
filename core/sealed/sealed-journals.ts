import type { JournalContent, JournalFile, LeftJournal, StoreJournals } from '../store/journals.ts';
import type { SealKeys } from './seal-keys.ts';
import { openValue, sealValue } from './seal-value.ts';

const PLACE = 'journal';

/** Wraps journals and seals their records. A journal ends before a record that cannot be opened, as before an unreadable one. */
export function sealedJournals(below: StoreJournals, keys: SealKeys): StoreJournals {
  const key = keys.values.journal;
  const seal = (payload: Uint8Array): Buffer => sealValue(key, PLACE, payload);
  const opened = ({ records, isWhole }: JournalContent): JournalContent => {
    const found: Uint8Array[] = [];
    for (const record of records) {
      const payload = openValue(key, PLACE, record);
      if (payload === undefined) return { records: found, isWhole: false };
      found.push(payload);
    }
    return { records: found, isWhole };
  };
  return {
    get isEmpty() {
      return below.isEmpty;
    },
    hasLeft: async () => await below.hasLeft(),
    begin: (id, number) => sealedFile(below.begin(id, number), seal),
    recover: async (each) => await below.recover(async (journal) => await each(openedJournal(journal, opened, seal))),
    setAside: async (name) => await below.setAside(name),
    listAside: () => below.listAside(),
    *look() {
      for (const { name, records } of below.look()) yield { name, records: opened({ records, isWhole: true }).records };
    },
  };
}

function openedJournal(
  journal: LeftJournal,
  opened: (content: JournalContent) => JournalContent,
  seal: (payload: Uint8Array) => Uint8Array,
): LeftJournal {
  return {
    name: journal.name,
    files: journal.files.map(opened),
    append: async (payload) => await journal.append(seal(payload)),
    copyAside: () => journal.copyAside(),
  };
}

function sealedFile(file: JournalFile, seal: (payload: Uint8Array) => Uint8Array): JournalFile {
  return {
    get size() {
      return file.size;
    },
    append: (payload) => file.append(seal(payload)),
    sync: async () => await file.sync(),
    remove: async () => await file.remove(),
    close: async () => await file.close(),
  };
}
