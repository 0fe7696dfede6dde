import type { IncomingHttpHeaders } from 'node:http';
import { madeEtag } from './headers.ts';
import { PAGE_HEADERS, pageView } from './page/page-view.ts';
import { statusPage } from './page/status-page.ts';
import type { Representation } from './representation.ts';
import type { RequestCounts } from './request-counts.ts';
import type { StatusItem } from './status-item.ts';

/** The answers change all the time: never cache them. */
const FRESH = { 'cache-control': 'no-store' };

/** The answer of `/status`: a page for browsers, else JSON. */
export function statusView(items: readonly StatusItem[], { accept }: IncomingHttpHeaders): Representation {
  const isOk = items.every(({ trouble }) => trouble === undefined);
  const fields = items.map(({ what, trouble, record }) => ({ what, ...record, ok: trouble === undefined, trouble }));
  const json = `${JSON.stringify({ ok: isOk, items: fields })}\n`;
  const made = { etag: madeEtag('status', json), size: undefined };
  if (/\btext\/html\b/.test(accept ?? '')) {
    const headers = { ...PAGE_HEADERS, ...FRESH, vary: 'accept, accept-encoding' };
    return { ...pageView(made.etag, () => statusPage(items)), headers };
  }
  return { ...made, contentType: 'application/json', headers: { ...FRESH, vary: 'accept, accept-encoding' }, read: () => text(json) };
}

/** The answer of `/metrics` in the text format of Prometheus, 0.0.4. Each number of the status is a gauge named by item and field. */
export function metricsView(items: readonly StatusItem[], counts: RequestCounts): Representation {
  const gauges = new Map<string, string[]>();
  const add = (name: string, labels: string, value: number): void => {
    const lines = gauges.get(name) ?? [];
    gauges.set(name, lines);
    lines.push(`${name}${labels} ${value}\n`);
  };
  for (const { what, trouble, record } of items) {
    const texts = Object.entries(record).filter(([key, value]) => typeof value === 'string' && key !== 'when');
    const labels = texts.length === 0 ? '' : `{${texts.map(([key, value]) => `${key}="${labelText(String(value))}"`).join(',')}}`;
    add(`vtftp_${what}_ok`, labels, trouble === undefined ? 1 : 0);
    for (const [key, value] of Object.entries(record)) {
      if (typeof value === 'number') add(`vtftp_${what}_${key}`, labels, value);
      else if (typeof value === 'boolean') add(`vtftp_${what}_${key}`, labels, value ? 1 : 0);
    }
  }
  let body = '';
  for (const [name, lines] of gauges) body += `# TYPE ${name} gauge\n${lines.join('')}`;
  body += '# TYPE vtftp_http_requests_total counter\n';
  for (const [code, count] of counts.byClass) body += `vtftp_http_requests_total{code="${code}xx"} ${count}\n`;
  body += `# TYPE vtftp_http_requests_open gauge\nvtftp_http_requests_open ${counts.open}\n`;
  return {
    etag: madeEtag('metrics', body),
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    size: undefined,
    headers: FRESH,
    read: () => text(body),
  };
}

function labelText(value: string): string {
  return value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
}

async function* text(body: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(body));
}
