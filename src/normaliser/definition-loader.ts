import type {
  CallbackDefinition, CallbackUse, Definition, DefinitionContent, ExampleDefinition, PatternDefinition,
  TagDefinition, TagTypeDefinition,
} from './definition';
import { DefinitionError } from './definition-error';
import { checkGrammar } from './definition-grammar';
import type { DefinitionFile } from './ports';
import { parseXml, type XmlElement } from './xml-element';

/** Reads one definition file of any kind. Throws DefinitionError. */
export function loadDefinitionFile(file: DefinitionFile): DefinitionContent {
  const root = parseXml(file.name, file.xml);
  if (root.name !== 'normalizer' && root.name !== 'tagTypes' && root.name !== 'callBacks') {
    throw new DefinitionError(root.place, 'is not the root of a definition',
      'The root is normalizer, or tagTypes or callBacks for common files.');
  }
  checkGrammar(root);
  if (root.name === 'tagTypes') return { kind: 'tagTypes', tagTypes: root.children.map(tagTypeOf) };
  if (root.name === 'callBacks') return { kind: 'callbacks', callbacks: root.children.map(commonCallbackOf) };
  return { kind: 'normalizer', definition: definitionOf(root) };
}

function definitionOf(root: XmlElement): Definition {
  const name = attribute(root, 'name');
  const version = versionOf(root);
  const flag = (key: string): boolean => root.attributes[key] !== 'no';
  return {
    name,
    version,
    id: `${name}-${version}`,
    appliedTo: attribute(root, 'appliedTo'),
    unicode: flag('unicode'),
    ignoreCase: flag('ignorecase'),
    matchType: root.attributes['matchtype'] === 'search' ? 'search' : 'match',
    expandWhitespaces: root.attributes['expandWhitespaces'] === 'yes',
    taxonomy: root.attributes['taxonomy'],
    tagTypes: byName(items(root, 'tagTypes').map(tagTypeOf)),
    callbacks: byName(items(root, 'callbacks').map(callbackOf)),
    prerequisites: items(root, 'prerequisites').map((element) => (
      { tag: attribute(element, 'name'), regexp: element.text, place: element.place })),
    patterns: unique(items(root, 'patterns').map(patternOf)),
    commonTags: items(root, 'commonTags').map(namedText),
    finalCallbacks: items(root, 'finalCallbacks').map(callbackUseOf),
    place: root.place,
  };
}

/** PyLogsParser reads the version as a float, and 0 as 1.0; ids contain it as Python prints it. */
function versionOf(root: XmlElement): string {
  const text = attribute(root, 'version');
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new DefinitionError(root.place, `has version="${text}"`, 'Use a decimal number such as 1.0.');
  }
  const version = value === 0 ? 1 : value;
  return Number.isInteger(version) ? `${version}.0` : String(version);
}

function tagTypeOf(element: XmlElement): TagTypeDefinition {
  return { name: attribute(element, 'name'), regexp: textOf(element, 'regexp'), place: element.place };
}

function callbackOf(element: XmlElement): CallbackDefinition {
  const name = element.attributes['name'];
  if (name === undefined) {
    throw new DefinitionError(element.place, 'lacks the attribute "name"', 'Add name="…".');
  }
  return { name, body: element.text, place: element.place };
}

function commonCallbackOf(element: XmlElement): CallbackDefinition {
  return { name: attribute(element, 'name'), body: textOf(element, 'code'), place: element.place };
}

function callbackUseOf(element: XmlElement): CallbackUse {
  return { name: element.text, place: element.place };
}

function patternOf(element: XmlElement): PatternDefinition {
  const text = child(element, 'text');
  return {
    name: attribute(element, 'name'),
    text: text.text,
    csv: text.attributes['type'] === 'csv' ? csvOf(text) : undefined,
    tags: unique(items(element, 'tags').map(tagOf)),
    commonTags: items(element, 'commonTags').map(namedText),
    examples: items(element, 'examples').map(exampleOf),
    place: element.place,
  };
}

function csvOf(text: XmlElement): { separator: string; quote: string } {
  const separator = text.attributes['separator'] ?? ',';
  const quote = text.attributes['quotechar'] ?? '"';
  if (separator.length !== 1 || quote.length !== 1) {
    throw new DefinitionError(text.place, 'needs a separator and a quotechar of one character each',
      'Correct the attributes separator and quotechar.');
  }
  return { separator, quote };
}

function tagOf(element: XmlElement): TagDefinition {
  const substitute = textOf(element, 'substitute');
  if (substitute === '') {
    throw new DefinitionError(element.place, 'has an empty substitute', 'Give the text that stands for it in the pattern.');
  }
  return {
    name: attribute(element, 'name'),
    tagType: element.attributes['tagType'] ?? 'Anything',
    substitute,
    callbacks: items(element, 'callbacks').map(callbackUseOf),
    place: element.place,
  };
}

function exampleOf(element: XmlElement): ExampleDefinition {
  return { text: textOf(element, 'text'), expectedTags: items(element, 'expectedTags').map(namedText), place: element.place };
}

function namedText(element: XmlElement): readonly [string, string] {
  return [attribute(element, 'name'), element.text];
}

/** The children of the one child called `name`; none when it is absent. */
function items(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.find((candidate) => candidate.name === name)?.children ?? [];
}

function child(element: XmlElement, name: string): XmlElement {
  const found = element.children.find((candidate) => candidate.name === name);
  if (found === undefined) throw new DefinitionError(element.place, `lacks <${name}>`, `Add <${name}>.`);
  return found;
}

function textOf(element: XmlElement, name: string): string {
  return child(element, name).text;
}

function attribute(element: XmlElement, name: string): string {
  const value = element.attributes[name];
  if (value === undefined || value === '') {
    throw new DefinitionError(element.place, `has an empty "${name}"`, `Give ${name} a value.`);
  }
  return value;
}

/** Of two entries of one name PyLogsParser takes the last, and its own definitions count on that. */
function unique<T extends { readonly name: string }>(entries: readonly T[]): readonly T[] {
  return [...byName(entries).values()];
}

function byName<T extends { readonly name: string }>(entries: readonly T[]): ReadonlyMap<string, T> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}
