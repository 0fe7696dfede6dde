import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

function openssl(folder: string, line: string): void {
  const run = spawnSync('openssl', line.split(' '), { cwd: folder, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`openssl ${line}: ${run.stderr}`);
}

/** Makes an authority NAME.pem with NAME.key in a folder. */
export function makeAuthority(folder: string, name: string): void {
  const key = `-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${name}.key`;
  openssl(folder, `req -x509 ${key} -out ${name}.pem -days 2 -subj /CN=${name} -addext basicConstraints=critical,CA:TRUE`);
}

/** Makes a certificate NAME.pem with NAME.key for a host or a client, signed by an authority. */
export function makeCertificate(folder: string, name: string, authority: string, subject: string, days = 2): void {
  openssl(
    folder,
    `req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ${name}.key -out ${name}.csr -subj /CN=${name} -addext subjectAltName=${subject}`,
  );
  openssl(
    folder,
    `x509 -req -in ${name}.csr -CA ${authority}.pem -CAkey ${authority}.key -days ${days} -copy_extensions copyall -out ${name}.pem`,
  );
}

/** The files of a certificate, as specifications and options name them. */
export function tlsFiles(
  folder: string,
  name: string,
  authority: string,
): { readonly cert: string; readonly key: string; readonly ca: string } {
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`), ca: join(folder, `${authority}.pem`) };
}
