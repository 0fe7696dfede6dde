import { readEdgeSizes } from '../block/edges-text.ts';
import { readSize } from '../block/size-text.ts';
import type { ParameterValue, StoreForm, StoreShape, StoreSpecification } from './specification.ts';
import { isBare, quote, SpecificationReader } from './specification-reader.ts';

/**
 * Where a specification is, which decides what ends it. `whole`: it is the whole text. `list`: it is one of several in a text of their own,
 * separated by commas. `closed`: it is within parentheses. `value`: it is the value of a parameter, which a comma ends.
 */
type Level = 'whole' | 'list' | 'closed' | 'value';

const VALUE_NAMES = { path: 'a path', text: 'a text', size: 'a size', count: 'a number', edges: 'MIN:MEAN:MAX[:COARSE]' } as const;

const TYPE = /[a-z][a-z0-9+-]*(?=[:(])/iy;
const NAME_IS = /[ \t]*([a-z][\w-]*)[ \t]*=/iy;

/** Parses Store specifications of given types. @see vtftp.conf(5), "SPECIFICATIONS" */
export class SpecificationGrammar {
  readonly #shapes: ReadonlyMap<string, StoreShape>;

  constructor(shapes: readonly StoreShape[]) {
    this.#shapes = new Map(shapes.map((shape) => [shape.type, shape]));
  }

  /** Parses one specification. @throws {SpecificationError} with the column of the fault */
  parse(text: string): StoreSpecification {
    const reader = new SpecificationReader(text);
    if (text.trim() === '') throw reader.error('it is empty', 0, { remedy: 'name a Store, for example datadir:PATH' });
    const found = this.#store(reader, 'whole');
    reader.spaces();
    if (!reader.ended) throw reader.error(`expected the end, found ${reader.here()}`);
    return found;
  }

  /**
   * Parses the parameters of a clause of the configuration, each value in a text of its own.
   *
   * @param type - the type of Store
   * @param entries - names and texts of the parameters
   * @param onError - turns an error into one that names its place in the file
   */
  parseClause(
    type: string,
    entries: Iterable<readonly [name: string, text: string]>,
    onError: (name: string, error: unknown) => Error,
  ): StoreForm {
    const shape = this.#shapes.get(type);
    if (shape === undefined)
      throw onError('type', new SpecificationReader(type).error(`unknown type of Store "${type}"`, 0, this.#knownTypes()));
    const parameters = new Map<string, ParameterValue>();
    for (const [given, text] of entries) {
      try {
        const reader = new SpecificationReader(text);
        const name = this.#parameterName(shape, given, reader, 0);
        reader.spaces();
        parameters.set(name, this.#value(reader, shape, 'list', name));
        reader.spaces();
        if (!reader.ended) throw reader.error(`expected the end, found ${reader.here()}`, reader.offset, { remedy: 'quote the value' });
      } catch (error) {
        throw onError(given, error);
      }
    }
    try {
      return this.#form(shape, parameters, new SpecificationReader(''), 0);
    } catch (error) {
      throw onError('type', error);
    }
  }

  #store(reader: SpecificationReader, level: Level): StoreSpecification {
    reader.spaces();
    if (reader.atQuote) {
      const inner = reader.quotedReader();
      const found = this.#store(inner, 'whole');
      if (!inner.ended) throw inner.error(`expected the end of the quotes, found ${inner.here()}`);
      return found;
    }
    if (reader.accept('(')) {
      const found = this.#store(reader, 'closed');
      reader.spaces();
      reader.expect(')');
      return found;
    }
    if (reader.accept('[')) return this.#clause(reader);
    if (reader.accept('!') || (level !== 'value' && reader.accept('|'))) return this.#command(reader, level);
    if (reader.peek(/default[ \t]*(?=[,|)]|$)/y) !== undefined) {
      reader.accept('default');
      return { kind: 'default' };
    }
    const type = reader.peek(TYPE)?.[0];
    if (type !== undefined) {
      const shape = this.#shapes.get(type.toLowerCase());
      const start = reader.offset;
      reader.offset += type.length;
      const isCall = reader.accept('(');
      if (!isCall) reader.expect(':');
      if (shape !== undefined) return isCall ? this.#call(reader, shape) : this.#inline(reader, shape, level);
      reader.offset = start;
      if (!isCall) {
        throw reader.error(`unknown type of Store "${type}"`, start, this.#knownTypes(`, or write ./${type}:… for a path`));
      }
    }
    return this.#path(reader, level);
  }

  #knownTypes(more = ''): { readonly remedy: string } {
    return { remedy: `use one of ${[...this.#shapes.keys()].join(', ')}${more}` };
  }

  #path(reader: SpecificationReader, level: Level): StoreSpecification {
    const start = reader.offset;
    // A plain path is the whole text, whatever characters it has, except parameters.
    const path = level === 'whole' ? reader.rest() : reader.bare();
    if (path === '') throw reader.error(`expected a Store, found ${reader.here()}`, start);
    const datadir = this.#shapes.get('datadir');
    if (datadir !== undefined) {
      refuseColon(reader, datadir, path, start);
      refuseParameters(reader, datadir, path, start);
    }
    if (isWord(path)) return { kind: 'word', word: path };
    return { kind: 'form', type: 'datadir', parameters: { path } };
  }

  #clause(reader: SpecificationReader): StoreSpecification {
    const found = reader.peek(/([^\]"]*)\]/y);
    const clause = found?.[1]?.trim() ?? '';
    if (found === undefined || clause === '') throw reader.error('expected [NAME] of a clause of the configuration', reader.offset - 1);
    reader.offset += found[0].length;
    return { kind: 'clause', clause };
  }

  #command(reader: SpecificationReader, level: Level): StoreSpecification {
    const start = reader.offset;
    const command = (level === 'whole' || level === 'list' ? reader.rest() : reader.bare()).trim();
    if (command === '') throw reader.error('expected a command', start);
    return { kind: 'command', command };
  }

  /** Parses what follows `type:`. */
  #inline(reader: SpecificationReader, shape: StoreShape, level: Level): StoreForm {
    const start = reader.offset;
    const parameters = new Map<string, ParameterValue>();
    const isNamed = (): boolean => {
      const name = reader.peek(NAME_IS)?.[1];
      return name !== undefined && knownName(shape, name) !== undefined;
    };
    reader.spaces();
    if (isNamed()) this.#named(reader, shape, parameters, 'value');
    else if (shape.second !== undefined && this.#twoValues(reader, shape, parameters, level)) {
      return this.#form(shape, parameters, reader, start);
    } else if (shape.primary !== undefined && (reader.atQuote || reader.peek(/[^,|)?]/y) !== undefined)) {
      parameters.set(shape.primary, this.#value(reader, shape, 'value', shape.primary));
    }
    if (level !== 'value') this.#more(reader, shape, parameters, level);
    return this.#form(shape, parameters, reader, start);
  }

  /** Parses `VALUE:STORE`; the Store includes everything that follows. @returns whether it found that form */
  #twoValues(reader: SpecificationReader, shape: StoreShape, parameters: Map<string, ParameterValue>, level: Level): boolean {
    const { primary = '', second = '' } = shape;
    const start = reader.offset;
    const first = reader.atQuote ? reader.quoted() : (reader.peek(/[^,|()"?:]+(?=:)/y)?.[0] ?? '');
    if (reader.offset === start) reader.offset += first.length;
    if (first === '' || !reader.accept(':')) {
      reader.offset = start;
      return false;
    }
    parameters.set(primary, first.trim());
    parameters.set(second, [this.#store(reader, level)]);
    return true;
  }

  /** Parses any number of `,NAME=VALUE` or `?NAME=VALUE&NAME=VALUE`. */
  #more(reader: SpecificationReader, shape: StoreShape, parameters: Map<string, ParameterValue>, level: Level): void {
    let between = ',';
    for (;;) {
      reader.spaces();
      const before = reader.offset;
      if (between === ',' && reader.accept('?')) between = '&';
      else if (!reader.accept(between)) return;
      if (reader.peek(NAME_IS) === undefined) {
        if (level === 'list' && between === ',') {
          reader.offset = before;
          return;
        }
        throw reader.error(`expected NAME=VALUE, found ${reader.here()}`, reader.offset, {
          remedy: `put a value with ${between} in double quotes`,
        });
      }
      this.#named(reader, shape, parameters, 'value');
    }
  }

  /** Parses what follows `type(`: values up to `)`. */
  #call(reader: SpecificationReader, shape: StoreShape): StoreForm {
    const start = reader.offset;
    const parameters = new Map<string, ParameterValue>();
    for (let first = true; ; first = false) {
      reader.spaces();
      if (reader.accept(')')) return this.#form(shape, parameters, reader, start);
      if (!first) reader.expect(',', 'close the parameters with )');
      if (first && shape.primary !== undefined && reader.peek(NAME_IS) === undefined) {
        parameters.set(shape.primary, this.#value(reader, shape, 'value', shape.primary));
      } else this.#named(reader, shape, parameters, 'value');
    }
  }

  #named(reader: SpecificationReader, shape: StoreShape, parameters: Map<string, ParameterValue>, level: Level): void {
    reader.spaces();
    const start = reader.offset;
    const found = reader.peek(NAME_IS);
    if (found === undefined) throw reader.error(`expected NAME=VALUE, found ${reader.here()}`);
    const name = this.#parameterName(shape, found[1] ?? '', reader, start);
    if (parameters.has(name)) throw reader.error(`"${name}" is given twice`, start);
    reader.offset += found[0].length;
    reader.spaces();
    parameters.set(name, this.#value(reader, shape, level, name));
  }

  #parameterName(shape: StoreShape, given: string, reader: SpecificationReader, start: number): string {
    const name = knownName(shape, given);
    if (name !== undefined) return name;
    const known = Object.keys(shape.parameters).join(', ');
    throw reader.error(`unknown parameter "${given}" of ${shape.type}`, start, { remedy: `use one of ${known}` });
  }

  #value(reader: SpecificationReader, shape: StoreShape, level: Level, name: string): ParameterValue {
    const start = reader.offset;
    const type = shape.parameters[name] ?? 'path';
    if (type === 'stores') return this.#stores(reader, level);
    if (type === 'store') return [this.#store(reader, level)];
    const isQuoted = reader.atQuote;
    const text = isQuoted ? reader.quoted() : level === 'list' ? reader.rest().trim() : reader.bare(/[?&]/);
    if (text === '') {
      const wanted = typeof type === 'string' ? VALUE_NAMES[type] : `one of ${type.join(', ')}`;
      throw reader.error(`expected ${wanted} for "${name}", found ${isQuoted ? 'nothing' : reader.here()}`, start);
    }
    if (type === 'path' && !isQuoted) refuseColon(reader, shape, text, start);
    if (typeof type !== 'string') {
      if (type.includes(text)) return text;
      throw reader.error(`unknown ${name} "${text}"`, start, { remedy: `use one of ${type.join(', ')}` });
    }
    switch (type) {
      case 'path':
      case 'text':
        return text;
      case 'size': {
        const size = readSize(text);
        if (size !== undefined) return size;
        throw reader.error(`expected a number of bytes, found "${text}"`, start, { remedy: 'write it as 1000, 512K, 20M or 1.5G' });
      }
      case 'edges':
        if (readEdgeSizes(text) !== undefined) return text;
        throw reader.error(`expected MIN:MEAN:MAX or MIN:MEAN:MAX:COARSE in bytes, found "${text}"`, start, {
          remedy: 'write them as 2K:8K:32K: min <= mean <= max <= 16M, and mean at least 64',
        });
      case 'count':
        if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
        throw reader.error(`expected a number, found "${text}"`, start);
    }
  }

  #stores(reader: SpecificationReader, level: Level): readonly StoreSpecification[] {
    if (level === 'value' && reader.atQuote) {
      // Quotes may hold one Store or several with commas between them, as the Python vt writes them.
      const inner = reader.quotedReader();
      const found = [...this.#stores(inner, 'list')];
      if (!inner.ended) throw inner.error(`expected the end of the quotes, found ${inner.here()}`);
      while (reader.accept('|')) found.push(this.#store(reader, level));
      return found;
    }
    const found: StoreSpecification[] = [];
    do {
      found.push(this.#store(reader, level));
      reader.spaces();
    } while (reader.accept('|') || (level === 'list' && reader.accept(',')));
    return found;
  }

  #form(shape: StoreShape, parameters: ReadonlyMap<string, ParameterValue>, reader: SpecificationReader, start: number): StoreForm {
    for (const name of shape.required ?? []) {
      if (parameters.has(name)) continue;
      const remedy = name === shape.primary ? `write ${shape.type}:${name.toUpperCase()}` : `add ${name}=…`;
      throw reader.error(`${shape.type} needs a ${name}`, start, { remedy });
    }
    const ordered = Object.keys(shape.parameters).filter((name) => parameters.has(name));
    return {
      kind: 'form',
      type: shape.type,
      parameters: Object.fromEntries(ordered.map((name) => [name, parameters.get(name) ?? ''])),
    };
  }

  /** Formats a specification; parsing the text gives the same again. */
  format(specification: StoreSpecification): string {
    switch (specification.kind) {
      case 'default':
        return 'default';
      case 'clause':
        return `[${specification.clause}]`;
      case 'word':
        return specification.word;
      case 'command':
        return `!${specification.command}`;
      case 'form':
        return this.#formatForm(specification);
    }
  }

  #formatForm({ type, parameters }: StoreForm): string {
    const primary = this.#shapes.get(type)?.primary;
    const first = primary === undefined ? undefined : parameters[primary];
    const parts = first === undefined ? [] : [this.#formatValue(first)];
    for (const [name, value] of Object.entries(parameters)) if (name !== primary) parts.push(`${name}=${this.#formatValue(value)}`);
    return `${type}:${first === undefined && primary !== undefined && parts.length > 0 ? ',' : ''}${parts.join(',')}`;
  }

  #formatValue(value: ParameterValue): string {
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string') return isBare(value) ? value : quote(value);
    return value.map((one) => this.#formatNested(one)).join('|');
  }

  #formatNested(specification: StoreSpecification): string {
    const text = this.format(specification);
    switch (specification.kind) {
      case 'default':
      case 'clause':
        return text;
      case 'word':
      case 'command':
        return quote(text);
      case 'form':
        return `(${text})`;
    }
  }
}

/** Whether a text is a word: it has no slash, and is not `.`, `..` or `~`. */
function isWord(path: string): boolean {
  return !path.includes('/') && !['.', '..', '~'].includes(path);
}

/** Refuses a colon before a parameter, where a comma belongs: it would become part of the path. */
function refuseColon(reader: SpecificationReader, shape: StoreShape, path: string, start: number): void {
  const found = /:([a-z][\w-]*)=/i.exec(path);
  if (found === null || knownName(shape, found[1] ?? '') === undefined) return;
  const before = path.slice(0, found.index);
  throw reader.error(`expected "," before ${found[1]}=, found ":"`, start + found.index, {
    remedy: `write ${shape.type}:${before},${path.slice(found.index + 1)}; put a path with these characters in double quotes`,
  });
}

/** Refuses parameters after a plain path: they would become part of the path. */
function refuseParameters(reader: SpecificationReader, shape: StoreShape, path: string, start: number): void {
  const found = /[?,]([a-z][\w-]*)=/i.exec(path);
  if (found === null || knownName(shape, found[1] ?? '') === undefined) return;
  throw reader.error(`${found[1]}= belongs to a type of Store, and a path alone has none`, start + found.index, {
    remedy: `write ${shape.type}:${path}; put a path with these characters in double quotes: ${shape.type}:"${path}"`,
  });
}

/** The name of a parameter, given its name or alias; undefined if the shape does not have it. */
function knownName({ parameters, aliases = {} }: StoreShape, given: string): string | undefined {
  const name = Object.hasOwn(aliases, given) ? aliases[given] : given;
  return name !== undefined && Object.hasOwn(parameters, name) ? name : undefined;
}
