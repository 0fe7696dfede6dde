import { createHash } from 'node:crypto';
import { PAGE_FILES } from './highlighter.ts';
import { Html, html } from './html.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

/** Part of each page's entity tag, since another program version makes other pages. */
export const PAGE_VERSION = createHash('sha256').update(`2${PAGE_STYLE}${PAGE_SCRIPT}`).digest('hex').slice(0, 8);

function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * The security policy of pages: they run only our own script. Stored files have the same origin, so it is not a source of scripts.
 *
 * @param integrity - of one further script
 */
export function pagePolicy(integrity?: string): string {
  return [`script-src ${sourceHash(PAGE_SCRIPT)}${integrity === undefined ? '' : ` '${integrity}'`}`, ...OTHER_POLICY].join('; ');
}

const OTHER_POLICY = [
  "default-src 'none'",
  `style-src ${sourceHash(PAGE_STYLE)}`,
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
];

export const PAGE_POLICY = pagePolicy();

/** The start of a page, before its content. */
export function pageStart(title: string): Html {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><meta name="viewport" content="width=device-width"><link rel="icon" href="${PAGE_FILES}icon.svg"><style>${new Html(PAGE_STYLE)}</style></head><body>
`;
}

/** The end of a page. */
export function pageEnd(): Html {
  return html`<script>${new Html(PAGE_SCRIPT)}</script></body></html>
`;
}
