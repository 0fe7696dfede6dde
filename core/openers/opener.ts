import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import type { Store } from '../store/store.ts';
import type { StoreParameters, StoreShape, StoreSpecification } from './specification.ts';

/** What opening a Store needs from outside. */
export interface OpenStoreEnvironment {
  /** The folder of the default Store: `$XDG_DATA_HOME/vtftp/store`. It is created on first use. */
  readonly defaultStorePath: string | undefined;
  /** The folder of caches: `$XDG_CACHE_HOME/vtftp`. */
  readonly cachePath: string | undefined;
  /** The home directory for a leading `~`; undefined: `~` is an ordinary name. */
  readonly homePath?: string | undefined;
  /** The environment of the process, which may have keys of services; default empty. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: () => Date;
  readonly onNotice?: (notice: string) => void;
  readonly readOnly?: boolean;
  /** Whether to create a missing Store: at once, or by its first write. Default: refuse. */
  readonly create?: boolean | 'by first write';
  /** The hash function of a new Store. */
  readonly hashName?: HashName | undefined;
  /** The edge settings of a new Store, if its specification has none. */
  readonly edges?: EdgeSettings | undefined;
  /** The hash function of the reference to open; used for a Store that does not tell its own. */
  readonly assumedHash?: HashName | undefined;
  /** The meaning of `default`, if it is not the Store in `defaultStorePath`. */
  readonly defaultStore?: StoreSpecification;
  /** Gives the specification of a clause of the configuration. Throws a VtError for an unknown clause. */
  readonly clause?: (name: string) => StoreSpecification;
  /** Gives the meaning of a word without a slash. Throws a VtError for an unknown word. Default: the datadir of that name. */
  readonly word?: (word: string) => StoreSpecification;
  /** Whether a specification may run a command; set only for text that the user typed. Default no. */
  readonly runsCommands?: boolean;
  /** Asks for a passphrase without echo; resolves to undefined if none is given. Absent without a terminal. */
  readonly askSecret?: (question: string) => Promise<string | undefined>;
  /** Cancels the opening. Without it, a service that does not answer gets some time. */
  readonly signal?: AbortSignal | undefined;
  /** Called with a line of text for each packet on a connection. */
  readonly traceWire?: ((line: string) => void) | undefined;
}

/** What the opener of one type of Store receives. */
export interface OpenContext extends OpenStoreEnvironment {
  /** The specification as text, for messages. */
  readonly name: string;
  /** Formats a specification. */
  format(specification: StoreSpecification): string;
  /** Opens an inner Store. @param changes - replace fields of the environment */
  open(specification: StoreSpecification, changes?: Partial<OpenStoreEnvironment>): Promise<Store>;
}

/** A type of Store: its grammar and its opener. */
export interface StoreType extends StoreShape {
  readonly open: (parameters: StoreParameters, context: OpenContext) => Promise<Store>;
}
