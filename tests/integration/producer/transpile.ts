import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { checkout } from '../../support/checkout';

/**
 * A copy of the sources as JavaScript, so that a child process can be measured without a compiler in its memory.
 * Returns its folder; `remove` takes it away.
 */
export function transpiled(folders: readonly string[]): { readonly folder: string; remove(): void } {
  const target = mkdtempSync(join(tmpdir(), 'resilog-transpiled-'));
  for (const name of ['node_modules', 'schemas']) symlinkSync(join(checkout, name), join(target, name));
  for (const folder of folders) transpileFolder(folder, target);
  return { folder: target, remove: () => { rmSync(target, { recursive: true, force: true }); } };
}

function transpileFolder(folder: string, target: string): void {
  for (const name of readdirSync(join(checkout, folder))) {
    const path = join(folder, name);
    if (statSync(join(checkout, path)).isDirectory()) transpileFolder(path, target);
    else if (name.endsWith('.ts')) transpileFile(path, target);
  }
}

function transpileFile(path: string, target: string): void {
  const { outputText } = transpileModule(readFileSync(join(checkout, path), 'utf8'), {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2023, esModuleInterop: true },
  });
  const file = join(target, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, outputText);
}
