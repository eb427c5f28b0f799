import { createHash } from 'node:crypto';
import type { Callback } from './callback';
import { commonDateCallbacks } from './callbacks/common-dates';
import { pylogsparserCallbacks } from './callbacks/pylogsparser';
import { decodePriority, decodeStructuredData, decodeSyslogDate } from './callbacks/syslog';
import { builtinNameOf, compileDeclared, isDeclared } from './declared-callback';
import type { CallbackDefinition, CallbackUse, Definition } from './definition';
import { DefinitionError } from './definition-error';
import { messageOf } from '../errors';

/** Implementations that a definition names with `resilog: builtin NAME`. */
const BUILTINS: ReadonlyMap<string, Callback> = new Map([
  ...commonDateCallbacks,
  ['syslog priority', decodePriority],
  ['syslog date', decodeSyslogDate],
  ['syslog structured data', decodeStructuredData],
]);

/**
 * The identity of a Python body: sha256 over its lines without indentation common to all, trailing white space and
 * blank lines; 16 hex digits. A body that was edited has another one.
 */
export function bodyHash(body: string): string {
  const lines = body.split(/\r?\n/).map((line) => line.trimEnd()).filter((line) => line.trim() !== '');
  const indents = lines.map((line) => /^\s*/.exec(line)?.[0].length ?? 0);
  const common = indents.length === 0 ? 0 : Math.min(...indents);
  return createHash('sha256').update(lines.map((line) => line.slice(common)).join('\n')).digest('hex').slice(0, 16);
}

/**
 * The implementation behind a callback's name: the definition's own callback first, then the common ones. Python is
 * never executed: a body in Python is only recognised, by its hash. Throws DefinitionError.
 */
export function resolveCallback(
  use: CallbackUse, definition: Definition, common: ReadonlyMap<string, CallbackDefinition>,
): Callback {
  const local = definition.callbacks.get(use.name);
  const declaration = local ?? common.get(use.name);
  if (declaration === undefined) {
    throw new DefinitionError(use.place, `the callback "${use.name}" is not defined`,
      'Define it in <callbacks>, or correct its name.');
  }
  if (isDeclared(declaration.body)) return declared(declaration);
  return recognised(local === undefined ? '' : definition.name, declaration);
}

function declared(declaration: CallbackDefinition): Callback {
  try {
    const name = builtinNameOf(declaration.body, declaration.name);
    if (name === undefined) return compileDeclared(declaration.body);
    const builtin = BUILTINS.get(name);
    if (builtin === undefined) throw new Error(`names the unknown builtin "${name}"; known are ${[...BUILTINS.keys()].join('; ')}`);
    return builtin;
  } catch (error) {
    throw new DefinitionError(declaration.place, `the declaration of callback "${declaration.name}" ${messageOf(error)}`,
      'Correct the declaration; docs/specs/normalizer-format.md lists the forms.', error);
  }
}

/**
 * A body that is known word for word does the same wherever it stands, so that definitions may take callbacks from
 * each other and be renamed. One that bears a known name but has another body was edited. `normalizer` is empty for
 * the common callbacks.
 */
function recognised(normalizer: string, declaration: CallbackDefinition): Callback {
  const hash = bodyHash(declaration.body);
  const implementation = pylogsparserCallbacks.byHash.get(hash);
  if (implementation !== undefined) return implementation;
  const problem = pylogsparserCallbacks.names.has(`${normalizer}/${declaration.name}`)
    ? `the code of callback "${declaration.name}" differs from the known one (${hash})`
    : `the callback "${declaration.name}" is not known (${hash})`;
  throw new DefinitionError(declaration.place, problem,
    'Python is not executed: write the callback in a form that begins with "resilog:".');
}
