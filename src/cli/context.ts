import type { Command } from 'commander';
import type { Volume } from '../archive/volume';
import type { AuditContext, AuditScope } from '../audit/context';
import type { Clock } from '../clock';
import type { Hit, LogIndex } from '../index/ports';
import type { DefinitionSet } from '../normaliser/ports';
import type { QueueAdministration, QueueProducer } from '../queue/ports';
import type { Random } from '../random';
import type { Coordination } from '../registry/coordination';
import type { SettingsWatcher } from '../registry/settings';
import type { SourceRegistry } from '../registry/source-registry';
import type { DeletionDependencies } from '../retention/deletion-dependencies';
import type { Deletions } from '../retention/ports';
import type { Output } from './output';
import type { Destination } from './sender';

/** What commands reach, connected when first asked for and closed at the end of the command. */
export interface Services {
  coordination(): Promise<Coordination>;
  /** True when nodes of the registry are made with access rights. */
  restricted(): boolean;
  settings(): Promise<SettingsWatcher>;
  /** Where files and journals are kept; at least one. */
  volumes(): Promise<readonly Volume[]>;
  /** Where requests to delete are kept. */
  deletions(): Promise<Deletions>;
  /** The definitions that the program brings; needs no cluster. */
  programDefinitions(): Promise<DefinitionSet>;
  index(): Promise<LogIndex>;
  /** Collections that searches and deletions go over. */
  collections(): Promise<readonly string[]>;
  queue(): Promise<QueueAdministration & QueueProducer>;
  /** The hits with `message` filled in, from the archive where the index does not keep it. */
  withText(hits: readonly Hit[]): Promise<readonly Hit[]>;
  sources(): Promise<SourceRegistry>;
  deletionDependencies(): Promise<DeletionDependencies>;
  /** What an audit of these files, or of everything, goes over; as slow as the settings say, or not held back. */
  audit(options: {
    readonly scope?: AuditScope; readonly fullSpeed: boolean; readonly signal: AbortSignal;
  }): Promise<AuditContext>;
  /** The producers that are up. */
  destinations(): Promise<readonly Destination[]>;
  /** The key of a source and the producers that are up. NotFoundError for an unknown source. */
  sendTarget(source: string): Promise<{ readonly key: string; readonly destinations: readonly Destination[] }>;
  close(): Promise<void>;
}

export interface CommandContext {
  readonly output: Output;
  readonly clock: Clock;
  readonly random: Random;
  readonly services: Services;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
  /** The exit code of a command that ends without an error, e.g. `status` of a cluster that is not ready. */
  setExitCode(code: number): void;
}

/** A command is a factory: it adds itself to its parent. */
export type AddCommand = (parent: Command, context: CommandContext) => void;
