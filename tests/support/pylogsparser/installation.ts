import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { definitionSetOf, readDefinitionFolder } from '../../../src/normaliser/definition-set';
import { createNormaliser, type NormaliserChain } from '../../../src/normaliser/normaliser';
import type { DefinitionFile } from '../../../src/normaliser/ports';
import { checkout } from '../checkout';

/** PyLogsParser as `make build` unpacks it. */
export const pylogsparserFolder = join(checkout, 'parts', 'pylogsparser');

export function pylogsparserFiles(): Promise<readonly DefinitionFile[]> {
  return readDefinitionFolder(join(pylogsparserFolder, 'normalizers'));
}

/** Its definitions alone, as the original runs them. */
export async function pylogsparserChain(): Promise<NormaliserChain> {
  return createNormaliser(definitionSetOf(await pylogsparserFiles()));
}

/** Every `each`th line of every sample, of at most `most` a file. */
export function sampleLines(most: number): readonly string[] {
  const folder = join(checkout, 'samples');
  return readdirSync(folder).filter((name) => name.endsWith('.log')).sort().flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line !== '');
    const step = Math.max(1, Math.floor(lines.length / most));
    return lines.filter((_, index) => index % step === 0).slice(0, most);
  });
}
