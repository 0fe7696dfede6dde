import type { Archive } from '../../archive/archive.ts';
import type { ArchiveMember } from '../../archive/mirror-archive.ts';
import { MirrorArchive } from '../../archive/mirror-archive.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { StoreArchives } from '../capabilities.ts';
import { capability } from '../capability.ts';
import type { Store } from '../store.ts';
import type { ProxyStores } from './proxy-stores.ts';

/**
 * The archives of a proxy. Each Store of `save` gets every root. Entries from the Stores of `read` come before. If `save` is empty,
 * those of `read2` are included too.
 */
export class ProxyArchives implements StoreArchives {
  readonly #stores: ProxyStores;
  readonly #onNotice: (notice: string) => void;
  readonly #open = new Map<string, MirrorArchive>();

  constructor(stores: ProxyStores, onNotice: (notice: string) => void) {
    this.#stores = stores;
    this.#onNotice = onNotice;
  }

  /** Stores whose archives are only read. */
  get #read(): readonly Store[] {
    const { save, read, read2 } = this.#stores;
    return save.length === 0 ? [...read, ...read2] : read;
  }

  /** Whether any of the Stores has archives. */
  get areThere(): boolean {
    const { save, save2 } = this.#stores;
    return [...save, ...this.#read, ...save2].some((store) => capability(store, 'archives') !== undefined);
  }

  open(name: string, { readOnly }: { readonly readOnly: boolean }): Archive {
    const { save, save2 } = this.#stores;
    const opened = new Map<Store, ArchiveMember>();
    const open = (store: Store, isReadOnly: boolean): ArchiveMember[] => {
      const archives = capability(store, 'archives');
      if (archives === undefined) return [];
      const member = opened.get(store) ?? { store: store.name, archive: archives.open(name, { readOnly: isReadOnly }) };
      opened.set(store, member);
      return [member];
    };
    const members = () => ({
      save: save.flatMap((store) => open(store, readOnly)),
      spool: save2.flatMap((store) => open(store, readOnly)),
      before: this.#read.filter((store) => !save.includes(store) && !save2.includes(store)).flatMap((store) => open(store, true)),
    });
    const now = members();
    const [first] = [...now.save, ...now.before, ...now.spool];
    const archive = new MirrorArchive(first?.archive.name ?? name, members, this.#onNotice);
    this.#open.set(name, archive);
    return archive;
  }

  async list(options?: OpOptions): Promise<readonly string[] | undefined> {
    const { save, save2 } = this.#stores;
    const names = new Set<string>();
    for (const store of new Set([...save, ...this.#read, ...save2])) {
      const archives = capability(store, 'archives');
      if (archives === undefined) continue;
      const listed = await archives.list?.(options);
      if (listed === undefined) return undefined;
      for (const name of listed) names.add(name);
    }
    return [...names].sort();
  }

  /** Records in every Store of `save` the roots that it has missed, for each archive that was opened. */
  async catchUp(options: OpOptions): Promise<void> {
    for (const archive of this.#open.values()) await archive.catchUp(options);
  }
}
