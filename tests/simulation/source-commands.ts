import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { addSourceCommand } from '../../src/cli/commands/source';
import type { CommandContext, Services } from '../../src/cli/context';
import { createOutput } from '../../src/cli/output';
import { createProgram, runProgram } from '../../src/cli/program';
import { systemClock } from '../../src/clock';
import { FAULT_POINT_CHANNEL } from '../../src/fault-points';
import { systemRandom } from '../../src/random';
import { keyOfCertificate } from '../../src/registry/certificates';
import { MemoryCoordinationServer } from '../../src/registry/memory-coordination';
import { paths } from '../../src/registry/paths';
import { decodeSource } from '../../src/registry/source-document';
import { SourceRegistry } from '../../src/registry/source-registry';
import type { Crash } from './crashes';

const OUT = ['--out', 'OUT'] as const;
/** A source's life, as a person types it. */
const COMMANDS: readonly (readonly string[])[] = [
  ['add', 'web', ...OUT], ['rotate', 'web', '--overlap', '1h', ...OUT], ['disable', 'web'], ['enable', 'web'],
  ['add', 'mail', ...OUT], ['remove', 'mail'],
];

export interface SourceCommandsResult {
  readonly violations: readonly string[];
  readonly reached: ReadonlyMap<string, number>;
  readonly crashed: readonly Crash[];
}

/** Runs the commands about sources; one dies at a fault point, and the person repeats it. */
export async function runSourceCommands(crash?: Crash): Promise<SourceCommandsResult> {
  const world = new SourceWorld(crash);
  try {
    return await world.run();
  } finally {
    world.close();
  }
}

class SourceWorld {
  private readonly server = new MemoryCoordinationServer({ clock: systemClock });
  private readonly folder = mkdtempSync(join(tmpdir(), 'resilog-sources-'));
  private readonly reached = new Map<string, number>();
  private readonly crashed: Crash[] = [];
  private readonly violations: string[] = [];
  /** Of the command that runs. */
  private isDead = false;
  private stuck: () => void = () => undefined;

  constructor(private readonly crash: Crash | undefined) {
    subscribe(FAULT_POINT_CHANNEL, this.onPoint);
  }

  close(): void {
    unsubscribe(FAULT_POINT_CHANNEL, this.onPoint);
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(`${this.folder}.then`, { recursive: true, force: true });
  }

  async run(): Promise<SourceCommandsResult> {
    const coordination = this.server.connect();
    for (const path of [paths.keys, paths.sources, paths.locks]) await coordination.ensure(path);
    await coordination.close();
    for (const command of COMMANDS) {
      const code = await this.execute(command);
      if (code === undefined) await this.repeat(command);
      else if (code !== 0) this.violations.push(`source ${command.join(' ')} ended with ${code}`);
      this.check(command);
    }
    return { violations: this.violations, reached: this.reached, crashed: this.crashed };
  }

  /** It may say that there is nothing to do, if what it is for was done. */
  private async repeat([verb = '', name = '', ...options]: readonly string[]): Promise<void> {
    const wasDone = this.isThere(name) === (verb !== 'remove');
    const code = await this.execute([verb, name, ...options]);
    const mayRefuse = wasDone && (verb === 'add' || verb === 'remove');
    if (code !== 0 && !mayRefuse) this.violations.push(`source ${verb} ${name}, repeated, ended with ${code ?? 'its death'}`);
  }

  /** The exit code; undefined when it died. */
  private async execute(command: readonly string[]): Promise<number | undefined> {
    this.isDead = false;
    const stuck = new Promise<undefined>((resolve) => { this.stuck = () => { resolve(undefined); }; });
    const coordination = this.server.connect({
      onOperation: () => {
        if (!this.isDead) return undefined;
        this.stuck();
        return new Promise<void>(() => undefined);
      },
    });
    const output = createOutput({ stdout: new PassThrough(), stderr: new PassThrough(), environment: {} });
    const options = { clock: systemClock, random: systemRandom };
    const sources = new SourceRegistry({ ...options, coordination });
    const services = {
      sources: () => Promise.resolve(sources), destinations: () => Promise.resolve([]),
    } as unknown as Services;
    const context = { ...options, output, services, signal: new AbortController().signal } as unknown as CommandContext;
    const argv = ['source', ...command.map((word) => (word === 'OUT' ? this.folder : word))];
    const code = await Promise.race([runProgram(createProgram('0', [addSourceCommand], context), argv, output), stuck]);
    if (!this.isDead) {
      await coordination.close();
      return code;
    }
    coordination.expireUnnoticed();
    // What it would have written after its death is not there.
    rmSync(this.folder, { recursive: true, force: true });
    cpSync(`${this.folder}.then`, this.folder, { recursive: true });
    this.isDead = false;
    return undefined;
  }

  private readonly onPoint = (name: unknown): void => {
    if (this.isDead) return;
    const point = String(name);
    const occurrence = (this.reached.get(point) ?? 0) + 1;
    this.reached.set(point, occurrence);
    if (this.crash?.point !== point || this.crash.occurrence !== occurrence) return;
    this.crashed.push(this.crash);
    this.isDead = true;
    cpSync(this.folder, `${this.folder}.then`, { recursive: true });
  };

  private isThere(name: string): boolean {
    return this.server.tree.get(`${paths.sources}/${name}`) !== undefined;
  }

  /** Each source has exactly its keys, and the certificate that was written last is of one that is valid. */
  private check([verb = '', name = '']: readonly string[]): void {
    const { tree } = this.server;
    const said = `after source ${verb} ${name}:`;
    const keys = new Set(tree.children(paths.keys) ?? []);
    for (const node of tree.children(paths.sources) ?? []) {
      const content = tree.get(`${paths.sources}/${node}`);
      if (content === undefined) continue;
      for (const { key } of decodeSource(content.data, node).keys) {
        const options = tree.get(`${paths.keys}/${key}/options`);
        if (!keys.delete(key)) this.violations.push(`${said} a key of ${node} is missing`);
        else if (options?.data.equals(content.data) !== true) this.violations.push(`${said} a key of ${node} has other options`);
      }
    }
    if (keys.size > 0) this.violations.push(`${said} ${keys.size} keys belong to no source`);
    if (this.isThere(name) === (verb === 'remove')) this.violations.push(`${said} it is not done`);
    if (verb !== 'add' && verb !== 'rotate') return;
    const [certificate, privateKey] = ['crt', 'key'].map((kind) => join(this.folder, `${name}.${kind}`));
    if (certificate === undefined || privateKey === undefined || !existsSync(certificate) || !existsSync(privateKey)) {
      this.violations.push(`${said} certificate or key are not written`);
      return;
    }
    const written = new X509Certificate(readFileSync(certificate));
    const known = tree.get(`${paths.keys}/${keyOfCertificate(written.raw)}`);
    if (known === undefined) this.violations.push(`${said} the key that was written authenticates nobody`);
  }
}
