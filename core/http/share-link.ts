import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Octets } from '../base/octets.ts';
import type { RightsHolder } from '../rights/rights-line.ts';

/** The content of a link: a part of an archive, with the rights of one client. */
export interface Share {
  /** Name of the client whose rights it has. */
  readonly holder: string;
  readonly archive: string;
  /** The names from the root, as the holder sees it, to the shared node. */
  readonly names: readonly Octets[];
  /** A state in the form after `@`; undefined for the newest at each time. */
  readonly state: string | undefined;
  /** Whether it also opens earlier states of the same part, by `@STATE` after the link. */
  readonly hasPast: boolean;
  /** When it expires, in seconds since 1970. */
  readonly untilS: number;
}

const ROOM = '/share/';
/** The version of the content's format. */
const VERSION = 1;
/** Characters of the encoded content, at most. */
const MAX_SIZE = 8192;

/**
 * Makes the URL path of a link, with a slash at its end. It is valid until it expires, or its holder's line is removed or gets another
 * secret.
 *
 * @param by - the holder
 */
export function formatShare({ holder, archive, names, state, untilS, hasPast }: Share, by: RightsHolder): string {
  const list = [VERSION, holder, archive, names, state ?? '', untilS, ...(hasPast ? [true] : [])];
  const said = Buffer.from(JSON.stringify(list)).toString('base64url');
  return `${ROOM}${said}.${proofOf(said, by)}/`;
}

/** A parsed link. */
export interface SharedPath {
  readonly share: Share;
  /** The URL path of the link itself, without a slash at its end. */
  readonly link: string;
  /** The text after `@`, still encoded. */
  readonly state: string | undefined;
  /** The text after its slash; undefined without a slash. */
  readonly rest: string | undefined;
}

/** Whether a URL path has the form of a link, valid or not. */
export function isSharePath(path: string): boolean {
  return path.startsWith(ROOM);
}

/**
 * Parses and verifies a link in a URL path.
 *
 * @param holders - the present clients
 * @returns undefined if no client made it
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

/** The signature of a link. Its key is derived from the hash of the secret, so that a line with only the hash can make links too. */
function proofOf(said: string, { digest }: RightsHolder): string {
  const key = createHmac('sha256', digest).update('vtftp share').digest();
  return createHmac('sha256', key).update(said).digest('base64url');
}
