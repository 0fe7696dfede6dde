import { readFileSync } from 'node:fs';
import { UsageError, VtError } from '../../base/errors.ts';
import { errorReason } from '../../base/system/system-error.ts';
import { requireTrusted } from '../../base/system/trusted-file.ts';

/** The keys and certificates of one side of a mutual TLS connection, in PEM. */
export interface TlsKeys {
  /** Its certificate and the intermediate certificates. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Certificates of authorities; one of them must have signed the other side's certificate. */
  readonly ca: Buffer;
}

/** The options that name the files. */
export interface TlsFileNames {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * Reads the key files of one side.
 *
 * @param path - returns the path given for an option
 * @returns undefined if no file was given
 * @throws {VtError} EUSAGE if only some are given, EOPEN if one cannot be read, EPERM if other users may write it
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

/** Reads a certificate or key file. @throws {VtError} EOPEN if it cannot be read, EPERM if other users may write it */
export function readKeyFile(file: string): Buffer {
  try {
    requireTrusted(file, 'TLS file');
    return readFileSync(file);
  } catch (error) {
    if (error instanceof VtError) throw error;
    throw new VtError('EOPEN', `read "${file}": ${errorReason(error)}`, { cause: error });
  }
}
