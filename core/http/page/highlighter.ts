import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LANGUAGES } from './languages.ts';

/** The URL path of the files that pages use. */
export const PAGE_FILES = '/page/';

/** A script that colours the text of a page. */
export interface Highlighter {
  /** The last part of its URL; it depends on the content. */
  readonly name: string;
  readonly language: string;
  readonly text: string;
  /** @see CSP 3, "Hash"; SRI, 3.2 */
  readonly integrity: string;
}

/** Languages that are embedded in others. */
const WITHIN: Readonly<Record<string, readonly string[]>> = { xml: ['css', 'javascript'], php: ['xml'], markdown: ['xml'] };

/** Scripts by language: highlight.js with one language has a fifth of its full size. */
const known = new Map<string, Highlighter | undefined>();

/** The script for a language of highlight.js; undefined where that is not installed. */
export function highlighterOf(language: string): Highlighter | undefined {
  if (!known.has(language)) known.set(language, makeHighlighter(language));
  return known.get(language);
}

/** The script with a name in a URL; undefined if it is unknown. */
export function highlighterNamed(name: string): Highlighter | undefined {
  const [, language] = /^highlight-([a-z]+)-[\da-f]{12}\.js$/.exec(name) ?? [];
  const found = language !== undefined && LANGUAGES.has(language) ? highlighterOf(language) : undefined;
  return found?.name === name ? found : undefined;
}

function makeHighlighter(language: string): Highlighter | undefined {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('@highlightjs/cdn-assets/package.json'));
    const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
    // The file is a module; its last statement exports its only value.
    const core = read('es/core.min.js').replace(/export\s*\{\s*([\w$]+) as default\s*\};?\s*$/, 'self.hljs=$1;');
    const languages = [...(WITHIN[language] ?? []), language].map((name) => read(`languages/${name}.min.js`));
    const text = `(()=>{${core}})();\n${languages.join('\n')}`;
    const digest = createHash('sha256').update(text);
    const name = `highlight-${language}-${digest.copy().digest('hex').slice(0, 12)}.js`;
    return { name, language, text, integrity: `sha256-${digest.digest('base64')}` };
  } catch {
    // Colours are optional.
    return undefined;
  }
}
