import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** A violation of the rules between rooms. */
export interface LayerFault {
  /** Path from the project's folder. */
  readonly file: string;
  /** 1 for the first. */
  readonly line: number;
  readonly message: string;
}

/** The product's folders, and the folders that each may import from. Scripts and tests may import from all. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  fuse: ['core', 'fuse'],
  commands: ['core', 'fuse', 'commands'],
  shell: ['core', 'fuse', 'commands', 'shell'],
};

/** The rooms of core, lowest first. Each may import from itself and from rooms before it, types included. */
const CORE_ORDER: readonly string[] = [
  'base',
  'block',
  'dirent',
  'filter',
  'archive',
  'store',
  'datadir',
  'sealed',
  'blockify',
  'tree',
  'history',
  'import',
  'export',
  'wire',
  'monitor',
  'platonic',
  'maintain',
  'sync',
  'rights',
  'onefile',
  'transition',
  'http',
  's3',
  'follow',
  'openers',
];

/** Files that may import each other, types included: one idea in two files. */
const ONE_IDEA: Readonly<Record<string, string>> = {
  'core/tree/live/inode-scope.ts core/tree/live/live-node.ts': 'A Dir of a live tree has an inode table, and the table is of a Dir.',
};

/** Packages that only one file may import. That file hides the package, so that it can be replaced. */
const OWNED_PACKAGES: Readonly<Record<string, string>> = {
  chokidar: 'core/monitor/entry-monitor.ts',
  koffi: 'core/base/system/libc.ts',
  '@node-rs/crc32': 'core/base/crc32.ts',
  '@napi-rs/blake-hash': 'core/block/blake3-engine.ts',
  '@bokuweb/zstd-wasm': 'core/store/records/zstd.ts',
  enquirer: 'shell/prompt.ts',
  chalk: 'shell/output/output.ts',
  'markdown-it': 'core/http/page/markdown.ts',
  mime: 'core/http/content-type.ts',
  'string-width': 'commands/parts/display-width.ts',
  ini: 'core/base/ini-text.ts',
  aws4: 'core/s3/sign-request.ts',
  'fuse-native': 'fuse/native/native-mount.ts',
};

/** Members of `process` that only the shell may use: the command line, the environment, the terminal, the exit. */
const SHELL_ONLY: ReadonlySet<string> = new Set(['argv', 'argv0', 'execArgv', 'env', 'stdin', 'stdout', 'stderr', 'exit', 'exitCode']);

interface Import {
  readonly specifier: string;
  readonly line: number;
}

/**
 * Checks rules that the linter cannot: imports between folders, packages with one owner, use of `process` outside the shell, the
 * order of core's rooms, and import cycles. Type imports and dynamic imports count.
 *
 * @param root - the project's folder
 */
export function checkLayers(root: string): LayerFault[] {
  const faults: LayerFault[] = [];
  const graph = new Map<string, readonly string[]>();
  for (const room of Object.keys(ROOMS)) {
    for (const file of sourceFiles(root, room)) {
      const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
      const imports = importsOf(source);
      for (const found of imports) checkImport(root, file, room, found, faults);
      if (room !== 'shell') checkProcess(file, room, source, faults);
      graph.set(
        file,
        imports
          .filter((found) => found.specifier.startsWith('.'))
          .map((found) => relative(root, resolve(root, dirname(file), found.specifier))),
      );
    }
  }
  faults.push(...findCycles(graph));
  return faults;
}

function sourceFiles(root: string, room: string): string[] {
  if (!existsSync(join(root, room))) return [];
  const names = readdirSync(join(root, room), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => `${room}/${name}`);
}

function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Finds imports, exports from other files, and `import()` and `require()` of literal names. */
function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ specifier: node.moduleSpecifier.text, line: lineOf(node) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ specifier: node.moduleSpecifier.text, line: lineOf(node) });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push({ specifier: node.argument.literal.text, line: lineOf(node) });
    } else if (ts.isCallExpression(node)) {
      const argument = node.arguments[0];
      const loads =
        node.expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(node.expression) && node.expression.text === 'require');
      if (loads && argument !== undefined && ts.isStringLiteral(argument)) found.push({ specifier: argument.text, line: lineOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function checkImport(root: string, file: string, room: string, found: Import, faults: LayerFault[]): void {
  const { specifier, line } = found;
  if (specifier.startsWith('.')) {
    const [target = '', inner = ''] = relative(root, resolve(root, dirname(file), specifier)).split('/');
    if (!ROOMS[room]?.includes(target)) faults.push({ file, line, message: `${room} may not import from ${target}: "${specifier}"` });
    else if (room === 'core') checkOrder(file, inner, found, faults);
    return;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const owner = OWNED_PACKAGES[name];
  if (owner !== undefined && owner !== file) faults.push({ file, line, message: `only ${owner} may import "${name}"` });
  if (room !== 'shell' && /^(node:)?process$/.test(specifier))
    faults.push({ file, line, message: `${room} may not import "${specifier}"` });
}

/** Whether an import within core is from the same room or a lower one. */
function checkOrder(file: string, to: string, { specifier, line }: Import, faults: LayerFault[]): void {
  const from = file.split('/')[1] ?? '';
  const unknown = [from, to].find((room) => !CORE_ORDER.includes(room));
  if (unknown !== undefined)
    faults.push({ file, line, message: `core/${unknown} has no place in the order of core's rooms: "${specifier}"` });
  else if (CORE_ORDER.indexOf(to) > CORE_ORDER.indexOf(from))
    faults.push({ file, line, message: `core/${from} may not import from core/${to}, which is above it: "${specifier}"` });
}

function checkProcess(file: string, room: string, source: ts.SourceFile, faults: LayerFault[]): void {
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === 'process' && !isPropertyName(node)) {
      const used = memberOf(node);
      if (used === undefined || SHELL_ONLY.has(used)) {
        faults.push({
          file,
          line: lineOf(node),
          message: `${room} may not use process${used === undefined ? ' as a value' : `.${used}`}: only shell may`,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** Whether the identifier only names a member (`x.process`, `{ process: 1 }`) or a type. `globalThis.process` is the object itself. */
function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return !(ts.isIdentifier(parent.expression) && parent.expression.text === 'globalThis');
  }
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent) || ts.isPropertySignature(parent))
    return parent.name === node;
  return ts.isQualifiedName(parent) || ts.isTypeQueryNode(parent);
}

/** The member of `process` that an expression uses; undefined if it uses the whole object. */
function memberOf(node: ts.Identifier): string | undefined {
  const inner: ts.Node = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node ? node.parent : node;
  const { parent } = inner;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === inner) return parent.name.text;
  if (ts.isElementAccessExpression(parent) && parent.expression === inner && ts.isStringLiteral(parent.argumentExpression))
    return parent.argumentExpression.text;
  return undefined;
}

/** Returns a fault for each import cycle that a depth-first walk finds, except those of ONE_IDEA. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): LayerFault[] {
  const faults: LayerFault[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      if ([...path.slice(start)].sort().join(' ') in ONE_IDEA) return;
      faults.push({ file, line: 1, message: `import cycle: ${[...path.slice(start), file].join(' -> ')}` });
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return faults;
}
