import type { IncomingMessage } from 'node:http';

/** The target of a request. */
export interface RequestTarget {
  /** The host that it is meant for, with its port if there is one. */
  readonly host: string;
  /** The path of the request, still encoded. */
  readonly path: string;
  /** With its question mark, or ''. */
  readonly query: string;
}

/**
 * Parses the target of a request. In a request with a whole URL, the host of that URL counts, not the header `Host`.
 *
 * @see RFC 9112, 3.2.2
 */
export function requestTarget({ url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>): RequestTarget {
  const authority = /^https?:\/\/([^/?]*)/i.exec(url);
  const rest = authority === null ? url : url.slice(authority[0].length);
  const at = rest.indexOf('?');
  const path = at < 0 ? rest : rest.slice(0, at);
  return { host: authority?.[1] ?? headers.host ?? '', path: path === '' ? '/' : path, query: at < 0 ? '' : rest.slice(at) };
}
