import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Octets } from '../base/octets.ts';
import type { RightsHolder } from '../rights/rights-line.ts';

/** What a link opens: a part of an archive, with the rights of one line. */
export interface Share {
  /** Whose rights it has. */
  readonly holder: string;
  readonly archive: string;
  /** The names down to what is shared, from the root as the holder sees it. */
  readonly names: readonly Octets[];
  /** A state, as after `@`; undefined for the newest, whichever that is. */
  readonly state: string | undefined;
  /** It opens the earlier states of the same part too, by `@STATE` behind the link. */
  readonly hasPast: boolean;
  /** Seconds since 1970 from which on it opens nothing. */
  readonly untilS: number;
}

const ROOM = '/share/';
/** Of the form of what a link says. */
const VERSION = 1;
/** Characters of what a link says. */
const MAX_SIZE = 8192;

/** The URL path of a link, with a slash at its end. It holds for as long as the line of its holder stays. */
export function formatShare({ holder, archive, names, state, untilS, hasPast }: Share, by: RightsHolder): string {
  const list = [VERSION, holder, archive, names, state ?? '', untilS, ...(hasPast ? [true] : [])];
  const said = Buffer.from(JSON.stringify(list)).toString('base64url');
  return `${ROOM}${said}.${proofOf(said, by)}/`;
}

/** A link in its URL form. */
export interface SharedPath {
  readonly share: Share;
  /** The URL path of the link itself, without a slash at its end. */
  readonly link: string;
  /** What follows an `@` behind it, in the form of the URL. */
  readonly state: string | undefined;
  /** What follows its slash; undefined where that is missing. */
  readonly rest: string | undefined;
}

/** Whether a URL path is that of a link, of whatever worth. */
export function isSharePath(path: string): boolean {
  return path.startsWith(ROOM);
}

/**
 * The link of a URL path.
 *
 * @returns undefined for one that none of those who have rights has made
 */
export function readShare(path: string, holders: readonly RightsHolder[]): SharedPath | undefined {
  const [, said = '', proof = '', state, rest] = /^\/share\/([\w-]+)\.([\w-]+)(?:@([^/]*))?(?:\/(.*))?$/s.exec(path) ?? [];
  if (said.length > MAX_SIZE) return undefined;
  const share = parseShare(said);
  const holder = share && holders.find(({ name }) => name === share.holder);
  if (share === undefined || holder === undefined) return undefined;
  const [ours, given] = [Buffer.from(proofOf(said, holder)), Buffer.from(proof)];
  if (ours.length !== given.length || !timingSafeEqual(ours, given)) return undefined;
  return { share, link: `${ROOM}${said}.${proof}`, state, rest };
}

function parseShare(said: string): Share | undefined {
  let found: unknown;
  try {
    found = JSON.parse(Buffer.from(said, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(found) || found[0] !== VERSION) return undefined;
  const [, holder, archive, names, state, untilS, hasPast] = found as unknown[];
  if (typeof holder !== 'string' || typeof archive !== 'string' || typeof state !== 'string' || typeof untilS !== 'number')
    return undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) return undefined;
  return { holder, archive, names: names as Octets[], state: state === '' ? undefined : state, untilS, hasPast: hasPast === true };
}

/** The key is made of the hash of the secret, so that a line with the hash alone makes links as well. */
function proofOf(said: string, { digest }: RightsHolder): string {
  const key = createHmac('sha256', digest).update('vtftp share').digest();
  return createHmac('sha256', key).update(said).digest('base64url');
}
