import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';

/** The languages of highlight.js by its names, each with the endings of file names. */
const ENDINGS: Readonly<Record<string, string>> = {
  bash: 'bash sh zsh ksh',
  c: 'c h',
  cpp: 'cc cpp cxx hh hpp hxx',
  csharp: 'cs',
  css: 'css',
  diff: 'diff patch',
  go: 'go',
  graphql: 'graphql gql',
  ini: 'ini toml conf cfg service timer properties',
  java: 'java',
  javascript: 'js mjs cjs jsx',
  json: 'json jsonl geojson webmanifest',
  kotlin: 'kt kts',
  less: 'less',
  lua: 'lua',
  makefile: 'mk mak',
  markdown: 'md markdown',
  objectivec: 'm mm',
  perl: 'pl pm t',
  php: 'php',
  python: 'py pyi pyw',
  r: 'r',
  ruby: 'rb gemspec rake',
  rust: 'rs',
  scss: 'scss',
  sql: 'sql',
  swift: 'swift',
  typescript: 'ts tsx mts cts',
  vbnet: 'vb',
  wasm: 'wat',
  xml: 'xml html htm xhtml svg rss atom plist xsl xsd',
  yaml: 'yml yaml',
};
/** All languages with known endings. */
export const LANGUAGES: ReadonlySet<string> = new Set(Object.keys(ENDINGS));

const BY_ENDING: ReadonlyMap<string, string> = new Map(
  Object.entries(ENDINGS).flatMap(([language, endings]) => endings.split(' ').map((ending) => [ending, language] as const)),
);
const BY_NAME: ReadonlyMap<string, string> = new Map([
  ['makefile', 'makefile'],
  ['gnumakefile', 'makefile'],
  ['gemfile', 'ruby'],
  ['rakefile', 'ruby'],
  ['.bashrc', 'bash'],
  ['.profile', 'bash'],
  ['.zshrc', 'bash'],
  ['.gitconfig', 'ini'],
]);

/** The language of a text by its file name; undefined if unknown. */
export function languageOf(name: Octets): string | undefined {
  const text = octetsToText(name).toLowerCase();
  const [, ending = ''] = /\.([^.]+)$/s.exec(text) ?? [];
  return BY_NAME.get(text) ?? BY_ENDING.get(ending);
}
