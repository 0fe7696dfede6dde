import type { PagePlace } from './page/listing.ts';
import type { Past } from './past/past.ts';
import type { WebTree } from './web-tree.ts';

/** The node of a URL within a tree. */
export interface Place extends WebTree, PagePlace {
  readonly cacheControl: string;
  /** The recorded states, if this tree is one of them. */
  readonly past?: Past | undefined;
  /** Tells whether the URL still leads to this tree; undefined if that cannot be known at once. */
  readonly lasts?: (() => boolean) | undefined;
  /** Whether its viewer may open other trees by their references. */
  readonly opensReferences: boolean;
  /** The URL path that reports a newer state, if the newest is shown. */
  readonly newest?: string | undefined;
}

/** The texts on which the links of a page depend, for its entity tag. */
export function whereOf({ title, base, names }: PagePlace): string {
  return [title, base, names.join('/')].join('\0');
}
