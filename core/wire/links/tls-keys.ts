import { readFileSync } from 'node:fs';
import { UsageError, VtError } from '../../base/errors.ts';
import { errorReason } from '../../base/system/system-error.ts';
import { requireTrusted } from '../../base/system/trusted-file.ts';

/** What one side of a connection by mutual TLS shows and asks for, each in PEM. */
export interface TlsKeys {
  /** Its certificate, and those between it and the authority. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Certificates of authorities; one of them must have signed that of the other side. */
  readonly ca: Buffer;
}

/** What the files are called where they are given. */
export interface TlsFileNames {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * Reads the files of one side.
 *
 * @param path - the path that was given under a name
 * @returns undefined where none was given
 * @throws {VtError} EUSAGE where some are given and others not, EOPEN where one cannot be read, EPERM where others may have written it
 */
export function readTlsKeys(names: TlsFileNames, path: (name: string) => string | undefined): TlsKeys | undefined {
  const [cert, key, ca] = [path(names.cert), path(names.key), path(names.ca)];
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined)
    throw new UsageError(`mutual TLS: ${names.cert}, ${names.key} and ${names.ca} go together`, {
      remedy: 'give a certificate, its key, and the authority of the other side',
    });
  return { cert: readKeyFile(cert), key: readKeyFile(key), ca: readKeyFile(ca) };
}

/** A file of a certificate or key. @throws {VtError} EOPEN where it cannot be read, EPERM where others may have written it */
export function readKeyFile(file: string): Buffer {
  try {
    requireTrusted(file, 'TLS file');
    return readFileSync(file);
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError('EOPEN', `read "${file}": ${errorReason(error)}`, { cause: error });
  }
}
