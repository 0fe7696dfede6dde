import ts from 'typescript';

// Finds the sentences of running text. Code, tables, headings and examples have none.

/** Sentences of plain text. Semicolons and colons do not end a sentence. A list item, or a line by itself, is a sentence. */
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

// Macros that begin a new text, and macros with code or a name instead of a sentence.
const BREAKS = /^\.(?:Sh|Ss|Pp|It|Bl|El|Bd|Ed|Dl|D1|TH|SH|PP|TP|Dd|Dt|Os|Nd)\b/;
const NO_TEXT = /^\.(?:Sh|Ss|Dl|D1|Bl|El|Dd|Dt|Os|Op|It)\b|^\.?\\"/;

/** Sentences of a manual page in mdoc(7). A sentence may consist of lines of text and of macros. */
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

/** Sentences of the comments of a TypeScript file. Consecutive line comments are one text, and so is the text of a TSDoc tag. Indented lines are code. */
export function sentencesOfComments(source: string): string[] {
  return commentsOf(source).flatMap((comment) =>
    comment
      .replace(/(?:^|\s)@(?:param|see|throws|returns)\s*(?:\{[^}]*\})?\s*(?:[\w.]+ - )?/g, '\n\n')
      .replace(/\{@link ([^}]*)\}/g, '$1')
      .replace(/`[^`]*`/g, 'code')
      .split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/)
      .filter((block) => !/^\n? {2,}(?![-*]|\d+\.)/.test(block))
      .map((block) => block.replace(/^\s*(?:[-*]|\d+\.) /, '').replace(/\s+/g, ' '))
      .flatMap(sentencesOfText),
  );
}

/** The texts of comments, without comment marks. Instructions for the linter are left out. */
function commentsOf(source: string): string[] {
  const file = ts.createSourceFile('comments.ts', source, ts.ScriptTarget.Latest, true);
  const found = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    const ranges = [...(ts.getLeadingCommentRanges(source, node.pos) ?? []), ...(ts.getTrailingCommentRanges(source, node.end) ?? [])];
    if (!ts.isJSDoc(node)) for (const range of ranges) found.set(range.pos, range);
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  const texts: string[] = [];
  let lastEnd = Number.NaN;
  for (const { pos, end, kind } of [...found.values()].sort((a, b) => a.pos - b.pos)) {
    const text = source.slice(pos, end);
    if (kind === ts.SyntaxKind.MultiLineCommentTrivia) texts.push(text.replace(/^\/\*+ ?|\s*\*\/$/g, '').replace(/^\s*\* ?/gm, ''));
    else if (!/^\/\/ (?:biome|eslint|@ts)-/.test(text)) {
      const line = text.replace(/^\/\/ ?/, '');
      if (/^\n[ \t]*$/.test(source.slice(lastEnd, pos))) texts.push(`${texts.pop() ?? ''}\n${line}`);
      else texts.push(line);
      lastEnd = end;
    }
  }
  return texts;
}
