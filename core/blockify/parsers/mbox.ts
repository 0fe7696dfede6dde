import type { Parser } from '../parser.ts';
import { MAIL_DELAY, MAIL_PARTS } from './mail.ts';
import type { Needle } from './needle-scan.ts';
import { partEdges } from './part-edges.ts';

const LF = 0x0a;
const CR = 0x0d;

/** Minimum bytes of a large mail. */
const MAIL_SIZE = 1024;

/** The line that begins a mail, after an empty line: RFC 4155, appendix A. */
const FROM_LINE: Needle = {
  octets: Buffer.from('\nFrom ', 'latin1'),
  boundary(octets, at) {
    const before = octets[at - 1];
    return before === LF || (before === CR && octets[at - 2] === LF) ? at + 1 : undefined;
  },
};

/** Mailboxes. Edges are around mails and their large parts, so that a mail is found again in another order, and in other mailboxes. */
export const mboxParser: Parser = {
  name: 'mbox',
  isTextual: true,
  extensions: ['.mbox', '.mbx'],
  mimeTypes: ['application/mbox'],
  delay: MAIL_DELAY,
  minSize: 32,
  begins: (head) => FROM_TEXT.every((octet, i) => head[i] === octet) && head.indexOf(LF) > 0,
  edges: (mark) => partEdges([{ needles: [FROM_LINE], partSize: MAIL_SIZE }, MAIL_PARTS], mark),
};

const FROM_TEXT = Buffer.from('From ', 'latin1');
