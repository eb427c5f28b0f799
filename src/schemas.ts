import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020';
import { explainSchemaErrors } from './schema-errors';

/** The checkout's (or release's) folder: the parent of src/ and of dist/. */
export const programFolder = join(__dirname, '..');

export interface Schema<T> {
  readonly document: Readonly<Record<string, unknown>>;
  /** The value as T, or one sentence on what is wrong with it. */
  check(value: unknown): { readonly value: T } | { readonly problem: string };
}

/** Reads and compiles schemas/<name>.json. */
export function loadSchema<T>(name: string): Schema<T> {
  const file = join(programFolder, 'schemas', `${name}.json`);
  const document = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const validate = new Ajv2020({ allErrors: true, strict: false }).compile<T>(document);
  return {
    document,
    check: (value) =>
      validate(value) ? { value } : { problem: explainSchemaErrors(validate.errors ?? [], document, value) },
  };
}
