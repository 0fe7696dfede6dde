import { readFileSync } from 'node:fs';
import type { Octets } from '../octets.ts';

/** Looks up the names and numbers of users and groups. Undefined if unknown. */
export interface OwnerNames {
  userName(uid: number): Octets | undefined;
  groupName(gid: number): Octets | undefined;
  userId(name: Octets): number | undefined;
  groupId(name: Octets): number | undefined;
}

/** Knows no names. */
export const NO_OWNER_NAMES: OwnerNames = {
  userName: () => undefined,
  groupName: () => undefined,
  userId: () => undefined,
  groupId: () => undefined,
};

/**
 * Owner names from texts in the formats of passwd(5) and group(5). Malformed lines are skipped. If a name or number occurs twice, the
 * first line counts, as with getpwnam(3).
 */
export function ownerNamesFrom(passwd: Octets, group: Octets): OwnerNames {
  const users = parseTable(passwd);
  const groups = parseTable(group);
  return {
    userName: (uid) => users.names.get(uid),
    groupName: (gid) => groups.names.get(gid),
    userId: (name) => users.ids.get(name),
    groupId: (name) => groups.ids.get(name),
  };
}

interface Table {
  readonly names: ReadonlyMap<number, Octets>;
  readonly ids: ReadonlyMap<Octets, number>;
}

function parseTable(text: Octets): Table {
  const names = new Map<number, Octets>();
  const ids = new Map<Octets, number>();
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (name === undefined || name === '' || name.startsWith('#') || number === undefined || !/^\d{1,10}$/.test(number)) continue;
    const id = Number(number);
    if (!names.has(id)) names.set(id, name as Octets);
    if (!ids.has(name as Octets)) ids.set(name as Octets, id);
  }
  return { names, ids };
}

/**
 * Owner names of this machine. Its passwd and group files are read at the first query and then cached. Users that only a directory
 * service such as LDAP knows have no names here.
 *
 * @param folder - where `passwd` and `group` are
 */
export function systemOwnerNames(folder = '/etc'): OwnerNames {
  let loaded: OwnerNames | undefined;
  const load = (): OwnerNames => {
    loaded ??= ownerNamesFrom(readOrEmpty(`${folder}/passwd`), readOrEmpty(`${folder}/group`));
    return loaded;
  };
  return {
    userName: (uid) => load().userName(uid),
    groupName: (gid) => load().groupName(gid),
    userId: (name) => load().userId(name),
    groupId: (name) => load().groupId(name),
  };
}

function readOrEmpty(file: string): Octets {
  try {
    return readFileSync(file, 'latin1') as Octets;
  } catch {
    return '' as Octets;
  }
}
