import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/** A change of the sources: `from` is found exactly once in the file, and `to` takes its place. */
export interface Patch {
  /** Below src/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const CHECKOUT = join(__dirname, '..', '..');
const ENTRY = join(__dirname, 'schedules-worker.ts');
const IMPORT = /from '(\.[^']*)'|import\('(\.[^']*)'\)/g;
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.CommonJS, esModuleInterop: true, resolveJsonModule: true,
};

let unpatched: ReadonlyMap<string, string> | undefined;

/** The simulation and all of the program that it runs, as JavaScript by the path of its source; compiled once. */
export function compiled(): ReadonlyMap<string, string> {
  if (unpatched !== undefined) return unpatched;
  const files = new Map<string, string>();
  const waiting = [ENTRY];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue;
    const source = readFileSync(path, 'utf8');
    files.set(path, compile(source));
    for (const [, wanted, wantedLater] of source.matchAll(IMPORT)) {
      waiting.push(`${resolve(dirname(path), wanted ?? wantedLater ?? '')}.ts`);
    }
  }
  unpatched = files;
  return files;
}

/** The same with some sources changed. Throws when a patch does not fit any more: then it has to be made anew. */
export function patched(patches: readonly Patch[]): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { file, from, to } of patches) {
    const path = join(CHECKOUT, 'src', file);
    const source = sources.get(path) ?? readFileSync(path, 'utf8');
    const parts = source.split(from);
    if (parts.length !== 2) throw new Error(`src/${file} has ${parts.length - 1} times what is to be changed: ${from}`);
    sources.set(path, parts.join(to));
  }
  return new Map([...compiled(), ...[...sources].map(([path, source]) => [path, compile(source)] as const)]);
}

/** What a thread runs to load these files instead of those on the disk, and the entry of the simulation. */
export const BOOTSTRAP = `
  const { workerData } = require('node:worker_threads');
  require.extensions['.ts'] = (module, path) => module._compile(workerData.files.get(path), path);
  require(${JSON.stringify(ENTRY)});
`;

function compile(source: string): string {
  return ts.transpileModule(source, { compilerOptions: OPTIONS }).outputText;
}
