import { type AsciiSet, asciiSetOf } from './ascii-form';
import { type RegexpNode, stepsOf } from './regexp-tree';

interface LastCharacter {
  readonly set: AsciiSet;
  /** It may consume nothing. */
  readonly mayBeEmpty: boolean;
}

const NO_CHARACTER: AsciiSet = Array.from({ length: 128 }, () => false);
const NOTHING: LastCharacter = { set: NO_CHARACTER, mayBeEmpty: true };

/**
 * Which ASCII characters a text may end with if an expression matches it, as the expression ends only where the text
 * does, or before its final line feed. Undefined: with any.
 */
export function endingOf(tree: RegexpNode, flags: string): AsciiSet | undefined {
  if (tree.kind === 'choice') {
    const endings = tree.options.map((option) => endingOf(option, flags));
    return endings.includes(undefined) ? undefined : union(endings as AsciiSet[]);
  }
  const steps = stepsOf([tree]);
  if (!isEndOfText(steps.at(-1))) return undefined;
  const { set, mayBeEmpty } = lastOf(steps.slice(0, -1), flags);
  return mayBeEmpty ? undefined : set;
}

/** `$` of JavaScript, or what Python means by it. */
function isEndOfText(node: RegexpNode | undefined): boolean {
  if (node?.kind === 'edge') return node.source === '$';
  if (node?.kind !== 'look' || node.opening !== '?=') return false;
  const [lineFeed, end, ...more] = stepsOf([node.item]);
  return more.length === 0 && end?.kind === 'edge' && end.source === '$' && lineFeed?.kind === 'repeat'
    && lineFeed.least === 0 && lineFeed.most === 1 && lineFeed.item.kind === 'set' && lineFeed.item.source === '\\n';
}

function lastOf(items: readonly RegexpNode[], flags: string): LastCharacter {
  const sets: AsciiSet[] = [];
  for (const item of [...items].reverse()) {
    const { set, mayBeEmpty } = last(item, flags);
    sets.push(set);
    if (!mayBeEmpty) return { set: union(sets), mayBeEmpty: false };
  }
  return { set: union(sets), mayBeEmpty: true };
}

function last(node: RegexpNode, flags: string): LastCharacter {
  switch (node.kind) {
    case 'set': return { set: asciiSetOf(node.source, flags), mayBeEmpty: false };
    case 'edge':
    case 'look': return NOTHING;
    case 'capture': return last(node.item, flags);
    case 'sequence': return lastOf(node.items, flags);
    case 'choice': {
      const options = node.options.map((option) => last(option, flags));
      return { set: union(options.map(({ set }) => set)), mayBeEmpty: options.some(({ mayBeEmpty }) => mayBeEmpty) };
    }
    case 'repeat': {
      const { set, mayBeEmpty } = last(node.item, flags);
      return node.most === 0 ? NOTHING : { set, mayBeEmpty: mayBeEmpty || node.least === 0 };
    }
  }
}

function union(sets: readonly AsciiSet[]): AsciiSet {
  return NO_CHARACTER.map((_, code) => sets.some((set) => set[code]));
}
