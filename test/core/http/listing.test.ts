import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { listingPage } from '../../../core/http/page/listing.ts';
import { tarSize } from '../../../core/http/tar/tar-stream.ts';
import { run } from '../../support/program.ts';

const HOSTILE: DirDirent = { kind: 'dir', name: '' as Octets, meta: { user: "'; echo run; '" as Octets }, block: EMPTY_BLOCK };

test('the line for a shell is one word of it, whatever names are in the Dirref', async () => {
  const dirref = formatDirent(HOSTILE);
  let page = '';
  for await (const { text } of listingPage({
    title: 't',
    base: '/d/x/',
    names: [],
    entries: nothing(),
    hasPictures: false,
    dirref,
    uri: 'x-vt:/',
  }))
    page += text;
  const shown = /<code>(vtftp .*?)<\/code>/.exec(page)?.[1] ?? '';
  const line = shown.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '');
  const echoed = await run('sh', ['-c', line.replace(/^vtftp /, "printf '%s' ")]);
  assert.equal(echoed.stdout, dirref);
});

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

async function* nothing(): AsyncGenerator<never> {
  yield* await Promise.resolve([]);
}

test('a tar whose length no number can tell is refused', async () => {
  const hole = {
    kind: 'file',
    name: 'f' as Octets,
    meta: {},
    block: { kind: 'run', span: Number.MAX_SAFE_INTEGER - 512, octet: 0 },
  } as const;
  const members = async function* (): AsyncGenerator<readonly { path: Octets; node: typeof hole }[]> {
    yield await Promise.resolve([{ path: 'f' as Octets, node: hole }]);
  };
  await assert.rejects(tarSize(members()), { code: 'EUNSUPPORTED' });
});
