/** A property: namespace and name of its element. */
export interface PropertyName {
  readonly namespace: string;
  readonly local: string;
}

/** The properties that a PROPFIND requests: all, only the names, or a list. */
export type WantedProperties = 'all' | 'names' | readonly PropertyName[];

/** Depth of nested elements, and properties in a request, at most: each property is answered for each node. */
const MAX_DEPTH = 32;
const MAX_PROPERTIES = 64;

const DAV = 'DAV:';
const NAME = '[\\p{L}_][\\p{L}\\p{N}._-]*';
const QNAME = `(?:${NAME}:)?${NAME}`;
/** Matches what is between elements: declarations, instructions, comments, plain text. */
const BETWEEN =
  /(?:<\?[^?]*(?:\?(?!>)[^?]*)*\?>|<!--(?:(?!--)[\s\S])*-->|(?:[^<&]|&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)+)/uy;
const TAG = new RegExp(`<(/?)(${QNAME})((?:\\s+${QNAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`, 'uy');
const ATTRIBUTE = new RegExp(`(${QNAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'gu');

interface Open {
  readonly name: string;
  readonly namespaces: ReadonlyMap<string, string>;
}

/**
 * Parses the body of a PROPFIND; an empty one requests all. It supports XML without a document type; a body with one is refused.
 *
 * @returns undefined if it is not well-formed, or requests nothing
 * @see RFC 4918, 9.1; Namespaces in XML 1.0
 */
export function parsePropfind(body: Buffer): WantedProperties | undefined {
  if (body.length === 0) return 'all';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
  const elements = elementsOf(text);
  const [top, ...rest] = elements ?? [];
  if (top === undefined || top.depth !== 0 || !isDav(top, 'propfind')) return undefined;
  const asked = rest.filter(({ depth }) => depth === 1);
  if (asked.some((one) => isDav(one, 'allprop'))) return 'all';
  if (asked.some((one) => isDav(one, 'propname'))) return 'names';
  if (!asked.some((one) => isDav(one, 'prop'))) return undefined;
  const properties: PropertyName[] = [];
  let isInProp = false;
  for (const element of rest) {
    if (element.depth === 1) isInProp = isDav(element, 'prop');
    else if (element.depth === 2 && isInProp) properties.push({ namespace: element.namespace, local: element.local });
  }
  return properties.length > MAX_PROPERTIES ? undefined : properties;
}

interface Element extends PropertyName {
  readonly depth: number;
}

function isDav({ namespace, local }: Element, name: string): boolean {
  return namespace === DAV && local === name;
}

/** The elements of a document in the order of their starts; undefined if it is not well-formed. */
function elementsOf(text: string): readonly Element[] | undefined {
  const open: Open[] = [];
  const found: Element[] = [];
  for (let at = 0; at < text.length; ) {
    BETWEEN.lastIndex = at;
    TAG.lastIndex = at;
    const between = BETWEEN.exec(text);
    if (between !== null) {
      // Outside the root element only space is allowed.
      if (open.length === 0 && !/^(?:<|\s*$)/.test(between[0])) return undefined;
      at = BETWEEN.lastIndex;
      continue;
    }
    const [, slash, name = '', attributes = '', end] = TAG.exec(text) ?? [];
    if (name === '') return undefined;
    at = TAG.lastIndex;
    if (slash === '/') {
      if (open.pop()?.name !== name || end === '/' || attributes !== '') return undefined;
      continue;
    }
    if ((open.length === 0 && found.length > 0) || open.length === MAX_DEPTH) return undefined;
    const namespaces = namespacesOf(attributes, open.at(-1)?.namespaces ?? new Map());
    const [prefix, local] = name.includes(':') ? (name.split(':') as [string, string]) : ['', name];
    const namespace = namespaces?.get(prefix) ?? (prefix === '' ? '' : undefined);
    if (namespaces === undefined || namespace === undefined) return undefined;
    found.push({ namespace, local, depth: open.length });
    if (end !== '/') open.push({ name, namespaces });
  }
  return open.length === 0 && found.length > 0 ? found : undefined;
}

/** The namespaces of prefixes within an element; undefined if one is invalid. */
function namespacesOf(attributes: string, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> | undefined {
  if (!attributes.includes('xmlns')) return outer;
  const namespaces = new Map(outer);
  for (const [, name = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = double ?? single ?? '';
    if (name === 'xmlns') namespaces.set('', value);
    else if (name.startsWith('xmlns:')) {
      if (value === '') return undefined;
      namespaces.set(name.slice('xmlns:'.length), value);
    }
  }
  return namespaces;
}
