import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A mailbox of many small mails: cut by its syntax it has other leaves than by its octets alone. */
function mailbox(): Buffer {
  const random = makeRandom(7);
  const mails = Array.from(
    { length: 150 },
    (_, i) =>
      `From a@example.org Mon Nov 30 09:00:00 2026\nFrom: a@example.org\nSubject: ${i}\n\n${random.bytes(1500 + random.below(3000)).toString('base64')}\n\n`,
  );
  return Buffer.from(mails.join(''), 'latin1');
}

describe('the parser of what is written through a mount', { skip: noMountsHere() ?? false }, () => {
  it('is chosen as put chooses it: by the name, by user.mime_type, by the content, or as user.x-vt-parser asks', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const local = scratch.mkdir('local');
    const mail = mailbox();
    // Behind a line of another sort only a name or a type tells what it is.
    const hidden = Buffer.concat([Buffer.from('x\n'), mail]);
    writeFileSync(join(local, 'plain'), mail);
    for (const name of ['named.mbox', 'typed', 'asked', 'bare', 'none.mbox']) writeFileSync(join(local, name), hidden);
    const types =
      'setfattr -n user.mime_type -v application/mbox typed; setfattr -n user.x-vt-parser -v mbox asked; setfattr -n user.x-vt-parser -v none none.mbox';
    const script = [
      `cd "$LOCAL"; ${types}; cd "$MNT"; mkdir through`,
      // As rsync and cp write: the attributes before the last close, the name after it.
      'for f in plain named.mbox bare; do cat "$LOCAL/$f" > through/$f; done',
      'exec 5> through/typed; setfattr -n user.mime_type -v application/mbox through/typed; cat "$LOCAL/typed" >&5; exec 5>&-',
      'exec 5> through/asked; setfattr -n x-vt-parser -v mbox through/asked; cat "$LOCAL/asked" >&5; exec 5>&-',
      'exec 5> through/none.mbox; setfattr -n user.x-vt-parser -v none through/none.mbox; cat "$LOCAL/none.mbox" >&5; exec 5>&-',
      'cat "$LOCAL/named.mbox" > through/.rsynced.mbox.Ab12Cd; sync through/.rsynced.mbox.Ab12Cd; mv through/.rsynced.mbox.Ab12Cd through/rsynced.mbox',
      '! setfattr -n user.x-vt-parser -v nonsense through/asked 2> /dev/null',
    ].join('\n');
    const env = { LOCAL: local, MNT: mount.path };
    const written = await mount.sh(
      `set -e; ${Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')}\n${script}`,
    );
    assert.equal(written.status, 0, written.report);
    const put = await mount.vtftp(mount.path, '-c', `put ${local}`);
    assert.equal(put.status, 0, put.report);
    const blockref = async (path: string): Promise<string> => {
      const { status, stdout, report } = await mount.sh(`getfattr --only-values -n user.x-vt-blockref ${path}`);
      assert.equal(status, 0, report);
      // How long its top superblock is need not be known.
      return stdout.replace(/,span:\d+/, '');
    };
    const refs = new Map<string, string>();
    for (const name of ['plain', 'named.mbox', 'typed', 'asked', 'bare', 'none.mbox']) {
      refs.set(name, await blockref(`through/${name}`));
      assert.equal(refs.get(name), await blockref(`local/${name}`), name);
    }
    const parsed = refs.get('named.mbox');
    assert.equal(await blockref('through/rsynced.mbox'), parsed);
    assert.deepEqual([refs.get('typed'), refs.get('asked')], [parsed, parsed]);
    assert.notEqual(refs.get('bare'), parsed, 'its content does not tell');
    assert.notEqual(refs.get('none.mbox'), parsed);
  });

  it('the MIME type that is found is kept with set mime=keep, by put and by mounts, and never in place of one that is there', async (t) => {
    const scratch = makeScratch(t);
    const local = scratch.mkdir('local');
    writeFileSync(join(local, 'mail'), mailbox());
    writeFileSync(join(local, 'noise'), Buffer.from([0, 1, 2, 3]));
    const mount = await mounted(t, scratch, '', scratch.path('store'));
    assert.equal((await mount.unmount()).status, 0);
    const made = await mount.vtftp('-c', `set mime=keep; put ${local}; mount ${mount.path}`);
    assert.equal(made.status, 0, made.report);
    const script = [
      'cp local/mail copy; sync copy',
      'exec 5> own; setfattr -n user.mime_type -v text/x-own own; cat local/mail >&5; exec 5>&-; sync own',
      'for f in local/mail local/noise copy own; do getfattr --only-values -n user.mime_type $f 2> /dev/null || printf none; echo; done',
    ].join('\n');
    const found = await mount.sh(script);
    assert.equal(found.stdout, 'application/mbox\nnone\napplication/mbox\ntext/x-own\n', found.report);
  });
});
