import type { IncomingMessage } from 'node:http';

/** What a request asks for, and of whom. */
export interface RequestTarget {
  /** The name of the server that it is meant for, with its port if there is one. */
  readonly host: string;
  /** The path of the request, still encoded. */
  readonly path: string;
  /** With its question mark, or ''. */
  readonly query: string;
}

/** The target of a request. One that has a whole URL means the host of that, whatever its `Host` says. @see RFC 9112, 3.2.2 */
export function requestTarget({ url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>): RequestTarget {
  const authority = /^https?:\/\/([^/?]*)/i.exec(url);
  const rest = authority === null ? url : url.slice(authority[0].length);
  const at = rest.indexOf('?');
  const path = at < 0 ? rest : rest.slice(0, at);
  return { host: authority?.[1] ?? headers.host ?? '', path: path === '' ? '/' : path, query: at < 0 ? '' : rest.slice(at) };
}
