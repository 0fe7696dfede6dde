import type { PagePlace } from './page/listing.ts';
import type { Past } from './past/past.ts';
import type { WebTree } from './web-tree.ts';

/** Where a URL leads within a tree. */
export interface Place extends WebTree, PagePlace {
  readonly cacheControl: string;
  /** The states of this tree, where it is one of them. */
  readonly past?: Past | undefined;
  /** Whether the URL still leads to this tree; undefined where that is not known at once. */
  readonly lasts?: (() => boolean) | undefined;
  /** Whether who sees it may see other trees by their references. */
  readonly opensReferences: boolean;
  /** What reports a newer state, where the newest is shown. */
  readonly newest?: string | undefined;
}

/** What the links of a page are made of. */
export function whereOf({ title, base, names }: PagePlace): string {
  return [title, base, names.join('/')].join('\0');
}
