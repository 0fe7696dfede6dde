import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './project-root.ts';

/**
 * `node dist/scripts/lock-file.js [--check]`: completes package-lock.json.
 *
 * Native packages list one optional package for each platform. `npm install` omits those from the lock file that it could not look
 * up, or that are not in node_modules. `npm ci` then refuses the whole file, on every platform. An entry with version and platform is
 * enough: npm fetches it on that platform, and ignores it elsewhere.
 */

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

interface LockFile {
  packages: Record<string, LockEntry>;
}

/** The entries that are missing from a lock file, by their paths. */
function missingEntries(lock: LockFile): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      if (places.some((place) => lock.packages[place] !== undefined)) continue;
      if (!/^\d/.test(version)) throw new Error(`complete the lock file: ${name} has no exact version: "${version}"`);
      missing[`node_modules/${name}`] = { version, ...platformOf(name), ...(entry.dev === true ? { dev: true } : {}), optional: true };
    }
  }
  return missing;
}

/** The platform in a name like `…-linux-arm64-musl`. */
function platformOf(name: string): Readonly<Record<string, readonly string[]>> {
  if (name.endsWith('-wasm32-wasi')) return { cpu: ['wasm32'] };
  const found = /-(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-([a-z\d]+)(?:-([a-z]+))?$/.exec(name);
  const [, os = '', cpu = '', abi = ''] = found ?? [];
  if (os === '') throw new Error(`complete the lock file: ${name} does not tell its platform`);
  const libc = abi.startsWith('musl') ? 'musl' : abi.startsWith('gnu') ? 'glibc' : undefined;
  return { cpu: [cpu], ...(os === 'linux' && libc !== undefined ? { libc: [libc] } : {}), os: [os] };
}

const file = join(PROJECT_ROOT, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as LockFile;
const missing = missingEntries(lock);
const names = Object.keys(missing);
if (process.argv.includes('--check')) {
  if (names.length > 0)
    console.error(`package-lock.json: \`npm ci\` will refuse it, for it lacks ${names.join(', ')}; run \`node dist/scripts/lock-file.js\``);
  process.exitCode = names.length > 0 ? 1 : 0;
} else if (names.length > 0) {
  const all = { ...lock.packages, ...missing };
  lock.packages = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
}
