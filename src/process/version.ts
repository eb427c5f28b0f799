import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programFolder } from '../schemas';

/** The program's version, as package.json has it. */
export function programVersion(): string {
  const manifest = JSON.parse(readFileSync(join(programFolder, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
