import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import type { Store } from '../store/store.ts';
import type { StoreParameters, StoreShape, StoreSpecification } from './specification.ts';

/** What opening a Store takes from outside. */
export interface OpenStoreEnvironment {
  /** The folder of the default Store: `$XDG_DATA_HOME/vtftp/store`. It is made on first use. */
  readonly defaultStorePath: string | undefined;
  /** The folder of caches: `$XDG_CACHE_HOME/vtftp`. */
  readonly cachePath: string | undefined;
  /** What `~` means; without it, itself. */
  readonly homePath?: string | undefined;
  /** The environment of the process, in which keys of services are looked for; default none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: () => Date;
  readonly onNotice?: (notice: string) => void;
  readonly readOnly?: boolean;
  /** Make a datadir that is not there: now, or by its first write; without it that is refused. */
  readonly create?: boolean | 'by first write';
  /** Hash function of a Store that is made. */
  readonly hashName?: HashName | undefined;
  /** How a Store that is made cuts data, where its specification does not say. */
  readonly edges?: EdgeSettings | undefined;
  /** The hash function of the reference that is to be opened: that of a Store that does not give its own. */
  readonly assumedHash?: HashName | undefined;
  /** What `default` means, where it is not the Store in `defaultStorePath`. */
  readonly defaultStore?: StoreSpecification;
  /** What a clause of the configuration says. Throws a VtError for one that is not there. */
  readonly clause?: (name: string) => StoreSpecification;
  /** What a word without a slash means. Throws a VtError where it means nothing; default: the datadir in the folder of that name. */
  readonly word?: (word: string) => StoreSpecification;
  /** Whether a specification may run a command: only where the user wrote it. Default no. */
  readonly runsCommands?: boolean;
  /** Asks for a passphrase, unseen; absent where nobody can be asked. Undefined where none is given. */
  readonly askSecret?: (question: string) => Promise<string | undefined>;
  /** Ends the opening: a service that does not answer is given some time else. */
  readonly signal?: AbortSignal | undefined;
  /** Gets a line for each packet that goes over a connection. */
  readonly traceWire?: ((line: string) => void) | undefined;
}

/** What the opener of one type of Stores gets. */
export interface OpenContext extends OpenStoreEnvironment {
  /** A text for messages, which opens the same Store again. */
  readonly name: string;
  /** The text of a specification. */
  format(specification: StoreSpecification): string;
  /** Opens a Store within this one. */
  open(specification: StoreSpecification, changes?: Partial<OpenStoreEnvironment>): Promise<Store>;
}

/** A type of Stores: its grammar, and what opens one. */
export interface StoreType extends StoreShape {
  readonly open: (parameters: StoreParameters, context: OpenContext) => Promise<Store>;
}
