import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { errorReason } from '../base/system/system-error.ts';
import { requireTrusted } from '../base/system/trusted-file.ts';
import type { Credential } from '../sealed/key-slots.ts';
import { isKeyText, parseKey } from '../sealed/key-text.ts';
import type { OpenContext } from './opener.ts';

/** What opens a sealed Store, and what it is, for messages. */
export interface GivenCredential {
  readonly credential: Credential;
  readonly text: string;
}

/** Bytes of a file or of what a command prints, at most. */
const MAX_SIZE = 64 * 1024;
/** Permission to read for group and others. */
const READABLE_BY_OTHERS = 0o044;

/**
 * The key in a file.
 *
 * @throws {VtError} EOPEN where it cannot be read or is no key, EPERM where others may read or have written it
 */
export function readKeyFile(file: string): Uint8Array {
  const text = readSecretFile(file, 'key file');
  try {
    return parseKey(text);
  } catch (error) {
    if (error instanceof VtError) throw new VtError('EOPEN', `read key file "${file}": ${error.message}`, { cause: error });
    throw error;
  }
}

/** The passphrase in a file: its first line. The same is thrown. */
export function readPassphraseFile(file: string): string {
  return checkedPassphrase(firstLine(readSecretFile(file, 'passphrase file')), `passphrase file "${file}"`);
}

/** A passphrase that is typed. */
export async function askCredential({ name, askSecret }: OpenContext): Promise<GivenCredential> {
  if (askSecret === undefined)
    throw new VtError('EOPEN', `open Store "${name}": it needs a passphrase, and there is no terminal to ask at`, {
      remedy: 'write passphrase=FILE, key=FILE or command=COMMAND',
    });
  const passphrase = (await askSecret(`Passphrase of ${name}`)) ?? '';
  return { credential: { kind: 'passphrase', passphrase: checkedPassphrase(passphrase, 'the passphrase') }, text: 'the passphrase' };
}

/** What a command prints: the text of a key, or else a passphrase. */
export async function commandCredential(command: string, { name, runsCommands }: OpenContext): Promise<GivenCredential> {
  if (runsCommands !== true)
    throw new VtError('EPERM', `open Store "${name}": a specification that runs a command is not allowed here`, {
      remedy: 'give it on the command line',
    });
  const text = await new Promise<string>((done, failed) =>
    execFile('/bin/sh', ['-c', command], { maxBuffer: MAX_SIZE, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else
        failed(new VtError('EOPEN', `run "${command}" for a key: ${stderr.trim().split('\n').at(-1) || error.message}`, { cause: error }));
    }),
  );
  const what = `what "${command}" prints`;
  if (isKeyText(text)) return { credential: { kind: 'key', key: parseKey(text) }, text: `the key of ${what}` };
  return { credential: { kind: 'passphrase', passphrase: checkedPassphrase(firstLine(text), what) }, text: `the passphrase of ${what}` };
}

function checkedPassphrase(passphrase: string, what: string): string {
  if (passphrase !== '') return passphrase;
  throw new VtError('EOPEN', `read ${what}: it is empty`);
}

function firstLine(text: string): string {
  return /^[^\r\n]*/.exec(text)?.[0] ?? '';
}

function readSecretFile(file: string, what: string): string {
  try {
    requireTrusted(file, what);
    if ((statSync(file).mode & READABLE_BY_OTHERS) !== 0)
      throw new VtError('EPERM', `${what} "${file}" can be read by others`, { remedy: `run: chmod 600 ${file}` });
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError('EOPEN', `read ${what} "${file}": ${errorReason(error)}`, { cause: error });
  }
}
