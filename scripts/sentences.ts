// Sentences of running text, as a reader meets them: code, tables, headings and examples are none.

/** Sentences of plain text: a semicolon and a colon end none. A list item, or a line by itself, is one. */
export function sentencesOfText(text: string): string[] {
  return text
    .split(/(?<=[^.][.!?])["')\u2019\u201d]?\s+/u)
    .map((part) => part.trim())
    .filter((part) => /\p{L}/u.test(part));
}

/** Sentences of a Markdown text. */
export function sentencesOfMarkdown(markdown: string): string[] {
  const text = markdown
    .replace(/^```[\s\S]*?^```$/gm, '\n\n')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^#.*$|^\|.*$|^ {4}.*$/gm, '\n')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`[^`]*`/g, 'code');
  return text
    .split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/)
    .map((block) => block.replace(/^\s*(?:[-*]|\d+\.) /, '').replace(/\s+/g, ' '))
    .flatMap(sentencesOfText);
}

// Macros after which a new text begins, and those that hold code or a name and no sentence.
const BREAKS = /^\.(?:Sh|Ss|Pp|It|Bl|El|Bd|Ed|Dl|D1|TH|SH|PP|TP|Dd|Dt|Os|Nd)\b/;
const NO_TEXT = /^\.(?:Sh|Ss|Dl|D1|Bl|El|Dd|Dt|Os|Op|It)\b|^\.?\\"/;

/** Sentences of a manual page in mdoc(7), whose lines are text, macros, or sentences of both. */
export function sentencesOfManual(page: string): string[] {
  const blocks: string[] = [''];
  let isCode = false;
  for (const line of page.split('\n')) {
    if (/^\.(?:Bd|nf)/.test(line)) isCode = true;
    if (BREAKS.test(line)) blocks.push('');
    if (!isCode && !NO_TEXT.test(line)) {
      const text = line.replace(/^\.(?:[A-Z][a-z] )?/, line.startsWith('.') ? '' : '$&').replace(/^\.[A-Z][a-z]$/, '');
      blocks[blocks.length - 1] += ` ${text.replace(/\\[&e]|\\\(..|\b(?:Ns|Pq|Po|Pc|Ar|Fl|Ic|Ql|Pa|Ev|Li|Dv|Sy|Em|Xr)\b/g, '')}`;
    }
    if (/^\.(?:Ed|fi)/.test(line)) isCode = false;
  }
  return blocks.map((block) => block.replace(/\s+([.,:;)])/g, '$1').replace(/\s+/g, ' ')).flatMap(sentencesOfText);
}
