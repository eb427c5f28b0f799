import { DefinitionError } from './definition-error';
import type { XmlElement } from './xml-element';

type Occurs = '1' | '?' | '+';

interface ElementRule {
  /** Children in their order, each with how often it occurs. Undefined: text only. */
  readonly children?: readonly (readonly [name: string, occurs: Occurs])[];
  readonly attributes?: Readonly<Record<string, AttributeRule>>;
}

interface AttributeRule {
  readonly required?: true;
  readonly values?: readonly string[];
}

const YES_NO: AttributeRule = { values: ['yes', 'no'] };
const NAMED = { name: { required: true } } as const;
const TYPE: AttributeRule = { values: ['integer', 'float', 'basestring', 'datetime'] };

/** The grammar of PyLogsParser's normalizer.dtd, in which all content models are plain sequences. */
const RULES: Readonly<Record<string, ElementRule>> = {
  normalizer: {
    children: [['description', '?'], ['authors', '?'], ['tagTypes', '?'], ['callbacks', '?'], ['prerequisites', '?'],
      ['patterns', '1'], ['commonTags', '?'], ['finalCallbacks', '?']],
    attributes: {
      name: { required: true }, version: { required: true }, appliedTo: { required: true },
      unicode: YES_NO, ignorecase: YES_NO, multiline: YES_NO, matchtype: { values: ['match', 'search'] },
      taxonomy: {}, expandWhitespaces: YES_NO,
    },
  },
  description: { children: [['localized_desc', '+']] },
  localized_desc: { attributes: { language: { required: true } } },
  authors: { children: [['author', '+']] },
  author: {},
  tagTypes: { children: [['tagType', '+']] },
  tagType: { children: [['description', '?'], ['regexp', '1']], attributes: { ...NAMED, type: TYPE, ttype: {} } },
  regexp: {},
  callbacks: { children: [['callback', '+']] },
  finalCallbacks: { children: [['callback', '+']] },
  callback: { attributes: { name: {} } },
  prerequisites: { children: [['prereqTag', '+']] },
  prereqTag: { attributes: NAMED },
  patterns: { children: [['pattern', '+']] },
  pattern: {
    children: [['description', '?'], ['text', '1'], ['tags', '1'], ['commonTags', '?'], ['examples', '?']],
    attributes: NAMED,
  },
  text: { attributes: { type: {}, separator: {}, quotechar: {} } },
  tags: { children: [['tag', '+']] },
  tag: { children: [['description', '?'], ['substitute', '1'], ['callbacks', '?']],
    attributes: { ...NAMED, tagType: {} } },
  substitute: {},
  commonTags: { children: [['commonTag', '+']] },
  commonTag: { attributes: NAMED },
  examples: { children: [['example', '+']] },
  example: { children: [['description', '?'], ['text', '1'], ['expectedTags', '1']] },
  expectedTags: { children: [['expectedTag', '+']] },
  expectedTag: { attributes: NAMED },
  // The common files have a grammar of their own; upstream's spell the element both ways.
  callBacks: { children: [['callback', '+']] },
  commonCallback: { children: [['description', '?'], ['code', '1']], attributes: NAMED },
  code: {},
};

/** Checks an element and all below it. Throws DefinitionError at the first thing that is not as it must be. */
export function checkGrammar(element: XmlElement, parent = ''): void {
  const common = parent === 'callBacks' && /^callback$/i.test(element.name);
  const rule = RULES[common ? 'commonCallback' : element.name];
  if (rule === undefined) {
    throw new DefinitionError(element.place, 'is no element of a definition', 'Remove it, or correct its name.');
  }
  checkAttributes(element, rule.attributes ?? {});
  if (rule.children === undefined) {
    const child = element.children[0];
    if (child === undefined) return;
    throw new DefinitionError(child.place, `may not stand in <${element.name}>, which holds text only`,
      'Escape "<" as &lt; in regular expressions and examples.');
  }
  if (element.text.trim() !== '') {
    throw new DefinitionError(element.place, `holds the text "${element.text.trim().slice(0, 40)}"`,
      'Only elements may stand here; remove the text.');
  }
  checkChildren(element, rule.children);
  for (const child of element.children) checkGrammar(child, element.name);
}

function checkChildren(element: XmlElement, sequence: readonly (readonly [string, Occurs])[]): void {
  let at = 0;
  const is = (name: string): boolean => {
    const child = element.children[at];
    return child !== undefined && (child.name === name || (element.name === 'callBacks' && child.name === 'callBack'));
  };
  for (const [name, occurs] of sequence) {
    if (!is(name)) {
      if (occurs === '?') continue;
      throw new DefinitionError(element.place, `lacks <${name}>`, `Add <${name}>; ${order(sequence)}.`);
    }
    at += 1;
    while (occurs === '+' && is(name)) at += 1;
  }
  const extra = element.children[at];
  if (extra === undefined) return;
  throw new DefinitionError(extra.place, `may not stand here in <${element.name}>`, `${order(sequence)}.`);
}

function order(sequence: readonly (readonly [string, Occurs])[]): string {
  return `The order is ${sequence.map(([name, occurs]) => `${name}${occurs === '1' ? '' : occurs}`).join(', ')}`;
}

function checkAttributes(element: XmlElement, rules: Readonly<Record<string, AttributeRule>>): void {
  for (const [name, value] of Object.entries(element.attributes)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      throw new DefinitionError(element.place, `has the unknown attribute "${name}"`,
        `Known are: ${Object.keys(rules).join(', ') || 'none'}.`);
    }
    if (rule.values !== undefined && !rule.values.includes(value)) {
      throw new DefinitionError(element.place, `has ${name}="${value}"`, `Use one of: ${rule.values.join(', ')}.`);
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.required === true && element.attributes[name] === undefined) {
      throw new DefinitionError(element.place, `lacks the attribute "${name}"`, `Add ${name}="…".`);
    }
  }
}
