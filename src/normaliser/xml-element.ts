import { SaxesParser } from 'saxes';
import { messageOf } from '../errors';
import { DefinitionError, type DefinitionPlace } from './definition-error';
import { definitionLimits } from './definition-limits';

/** One XML element with its place, for messages. `text` is that of the element itself, without its children's. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
  readonly place: DefinitionPlace;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  /** Text before the first child and in all: lxml's `.text` is what precedes the first child. */
  text: string;
  readonly place: DefinitionPlace;
}

/**
 * Reads a document without ever following a reference: a document type may be named, as PyLogsParser's files do,
 * but is not read, and entity declarations are refused (they are what XML bombs are made of).
 */
export function parseXml(file: string, xml: string): XmlElement {
  if (xml.length > definitionLimits.fileCharacters) {
    throw new DefinitionError({ file, line: 1, element: 'document' },
      `is longer than ${definitionLimits.fileCharacters} characters`, 'Split it into several files.');
  }
  return new TreeBuilder(file).build(xml);
}

class TreeBuilder {
  private readonly open: OpenElement[] = [];
  private root: XmlElement | undefined;
  private elements = 0;
  private readonly parser: SaxesParser;

  constructor(private readonly file: string) {
    this.parser = new SaxesParser({ position: true });
  }

  build(xml: string): XmlElement {
    this.parser.on('error', (error) => { this.fail(this.parser.line, messageOf(error).replace(/^\d+:\d+: /, '')); });
    this.parser.on('doctype', (doctype) => {
      if (/<!ENTITY/i.test(doctype)) this.fail(this.parser.line, 'declares an entity', 'Write the text itself.');
    });
    this.parser.on('opentag', (tag) => { this.opened(tag.name, tag.attributes); });
    this.parser.on('text', (text) => { this.wrote(text); });
    this.parser.on('cdata', (text) => { this.wrote(text); });
    this.parser.on('closetag', () => { this.closed(); });
    // A byte order mark that was decoded with the file is no content.
    this.parser.write(xml.charCodeAt(0) === 0xfeff ? xml.slice(1) : xml).close();
    if (this.root === undefined) this.fail(1, 'has no root element');
    return this.root;
  }

  private opened(name: string, attributes: Readonly<Record<string, string>>): void {
    this.elements += 1;
    const { line } = this.parser;
    if (this.elements > definitionLimits.elements) this.fail(line, `has more than ${definitionLimits.elements} elements`);
    if (this.open.length >= definitionLimits.depth) this.fail(line, `is nested deeper than ${definitionLimits.depth}`);
    if (Object.keys(attributes).length > definitionLimits.attributesOfElement) {
      this.fail(line, `<${name}> has more than ${definitionLimits.attributesOfElement} attributes`);
    }
    this.open.push({ name, attributes: { ...attributes }, children: [], text: '',
      place: { file: this.file, line, element: name } });
  }

  private wrote(text: string): void {
    const element = this.open.at(-1);
    if (element !== undefined) element.text += text;
  }

  private closed(): void {
    const element = this.open.pop();
    const parent = this.open.at(-1);
    if (parent === undefined) this.root = element;
    else if (element !== undefined) parent.children.push(element);
  }

  private fail(line: number, problem: string, remedy = 'Mend the XML.'): never {
    const element = this.open.at(-1)?.name ?? 'document';
    throw new DefinitionError({ file: this.file, line, element }, problem, remedy);
  }
}
