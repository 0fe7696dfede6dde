import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

// Makes docs/page.png: the page of httpd over a small tree of two states, in Debian's Chromium.

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAM = join(ROOT, 'dist/bin/vtftp.js');

/** The files of the tree that is shown, with their sizes in bytes. */
const FILES: Readonly<Record<string, number>> = {
  'letters/2026/november/first.txt': 1200,
  'photos/harbour.jpg': 2_400_000,
  'photos/sea.jpg': 1_900_000,
  'budget.ods': 48_000,
  'minutes.pdf': 310_000,
};
const README = `# The sailing club

Everything that the club keeps, with **every state since 2019**. Ask *Ines* for a token.

- [letters](letters/) — what was sent, by year
- [photos](photos/) — two a summer, the best ones
`;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-picture-'));
  try {
    const club = join(folder, 'club');
    for (const [path, size] of [...Object.entries(FILES), ['README.md', 0] as const]) {
      const file = join(club, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, path === 'README.md' ? README : Buffer.alloc(size, path));
      utimesSync(file, 1_795_000_000, 1_795_000_000);
    }
    const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, XDG_RUNTIME_DIR: folder };
    const child = spawn(process.execPath, [PROGRAM, '-q', '-S', join(folder, 'store'), '-c', 'put club /; sync; httpd 0'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let url: string | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      url = /^serving (.*)$/.exec(line)?.[1];
      if (url !== undefined) break;
    }
    if (url === undefined) throw new Error('page-picture: it is not served');
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    const page = await browser.newPage({ viewport: { width: 860, height: 520 } });
    await page.goto(`${url}archive/default/club/`);
    await page.screenshot({ path: join(ROOT, 'docs/page.png') });
    await browser.close();
    child.kill('SIGTERM');
    await once(child, 'exit');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
