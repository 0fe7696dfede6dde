import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { errorReason } from '../base/system/system-error.ts';
import { requireTrusted } from '../base/system/trusted-file.ts';
import type { Credential } from '../sealed/key-slots.ts';
import { isKeyText, parseKey } from '../sealed/key-text.ts';
import type { OpenContext } from './opener.ts';

/** A credential of a sealed Store, and its description for messages. */
export interface GivenCredential {
  readonly credential: Credential;
  readonly text: string;
}

/** Bytes of the output of a command, at most. */
const MAX_SIZE = 64 * 1024;
/** The permission bits to read for group and others. */
const READABLE_BY_OTHERS = 0o044;

/** Reads the key in a file. @throws {VtError} EOPEN if it cannot be read or is not a key, EPERM if others may read or write it */
export function readKeyFile(file: string): Uint8Array {
  const text = readSecretFile(file, 'key file');
  try {
    return parseKey(text);
  } catch (error) {
    if (error instanceof VtError) throw new VtError('EOPEN', `read key file "${file}": ${error.message}`, { cause: error });
    throw error;
  }
}

/**
 * Reads the passphrase in a file: its first line.
 *
 * @throws {VtError} EOPEN if it cannot be read or is empty, EPERM if others may read or write it
 */
export function readPassphraseFile(file: string): string {
  return checkedPassphrase(firstLine(readSecretFile(file, 'passphrase file')), `passphrase file "${file}"`);
}

/** Asks for a passphrase. @throws {VtError} EOPEN without a terminal, or if it is empty */
export async function askCredential({ name, askSecret }: OpenContext): Promise<GivenCredential> {
  if (askSecret === undefined)
    throw new VtError('EOPEN', `open Store "${name}": it needs a passphrase, and there is no terminal to ask at`, {
      remedy: 'write passphrase=FILE, key=FILE or command=COMMAND',
    });
  const passphrase = (await askSecret(`Passphrase of ${name}`)) ?? '';
  return { credential: { kind: 'passphrase', passphrase: checkedPassphrase(passphrase, 'the passphrase') }, text: 'the passphrase' };
}

/**
 * Runs a command that prints a key, or else a passphrase.
 *
 * @throws {VtError} EPERM if no command may be run, EOPEN if it fails or prints nothing
 */
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
