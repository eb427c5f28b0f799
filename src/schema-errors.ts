import type { ErrorObject } from 'ajv';
import { nearest } from './nearest';

/**
 * One sentence for the first errors of a JSON schema: where, which value, and what was expected. An unknown key
 * is answered with the nearest known one.
 */
export function explainSchemaErrors(errors: readonly ErrorObject[], schema: unknown, value: unknown): string {
  const sentences = errors.slice(0, 3).map((error) => explain(error, schema, value));
  const more = errors.length > 3 ? ` (and ${errors.length - 3} more)` : '';
  return sentences.join('; ') + more;
}

function explain(error: ErrorObject, schema: unknown, value: unknown): string {
  const where = error.instancePath === '' ? '' : `${error.instancePath.slice(1).replaceAll('/', '.')}: `;
  if (error.keyword === 'additionalProperties') {
    const key = String((error.params as { additionalProperty: string }).additionalProperty);
    const guess = nearest(key, knownKeys(error, schema));
    return `${where}unknown key "${key}"${guess === undefined ? '' : `, did you mean "${guess}"?`}`;
  }
  if (error.keyword === 'required') {
    return `${where}"${String((error.params as { missingProperty: string }).missingProperty)}" is missing`;
  }
  const given = JSON.stringify(at(value, error.instancePath.split('/').slice(1)));
  const allowed = error.keyword === 'enum'
    ? ` (${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')})`
    : '';
  return `${where}${given} ${error.message ?? 'is not allowed'}${allowed}`;
}

/** Keys that the schema knows at the place of an `additionalProperties` error. */
function knownKeys(error: ErrorObject, schema: unknown): string[] {
  const steps = error.schemaPath.replace(/^#\//, '').split('/').slice(0, -1);
  const place = at(schema, steps) as { properties?: object } | undefined;
  return Object.keys(place?.properties ?? {});
}

function at(value: unknown, steps: readonly string[]): unknown {
  let current = value;
  for (const step of steps) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return current;
}
