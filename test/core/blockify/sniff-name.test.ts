import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { intendedName, sniffName } from '../../../core/blockify/sniff-name.ts';

describe('names of rsync temporary files', () => {
  const NAMES: readonly [name: string, intended: string, extension: string | undefined][] = [
    ['.foo.ext.XXXXXX', 'foo.ext', '.ext'],
    ['.mail.mbox.a1B2c3', 'mail.mbox', '.mbox'],
    ['..hidden.tar.Qwerty', '.hidden.tar', '.tar'],
    ['.archive.tar.gz.0aZ9xY', 'archive.tar.gz', '.gz'],
    ['.two\nlines.sql.abcdef', 'two\nlines.sql', '.sql'],
    ['.\xff\xfe.pdf.abcdef', '\xff\xfe.pdf', '.pdf'],
    ['foo.ext', 'foo.ext', '.ext'],
    ['FOO.EXT', 'FOO.EXT', '.ext'],
    ['foo.ext.XXXXXX', 'foo.ext.XXXXXX', '.xxxxxx'],
    ['.foo.ext.XXXXX', '.foo.ext.XXXXX', '.xxxxx'],
    ['.foo.ext.XXXXXXX', '.foo.ext.XXXXXXX', '.xxxxxxx'],
    ['.foo.ext.XXXXX-', '.foo.ext.XXXXX-', '.xxxxx-'],
    ['.config.backup', '.config.backup', '.backup'],
    ['.profile', '.profile', undefined],
    ['Makefile', 'Makefile', undefined],
    ['ends.', 'ends.', undefined],
    ['', '', undefined],
  ];
  for (const [name, intended, extension] of NAMES) {
    it(`${JSON.stringify(name)} is parsed as ${extension ?? 'of no extension'}`, () => {
      assert.equal(intendedName(name as Octets), intended);
      assert.equal(sniffName(name as Octets), extension);
    });
  }
});
