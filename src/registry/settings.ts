/**
 * What an operator may change while the system runs. Meaning, unit, default and bounds of each value are in
 * schemas/settings.json and docs/specs/settings.md; a unit test keeps the three alike.
 */
export interface Settings {
  readonly files: {
    readonly maxLines: number;
    readonly maxBytes: number;
    readonly maxAgeMs: number;
  };
  readonly intake: {
    readonly maxBodyBytes: number;
    readonly memoryBudgetBytes: number;
    readonly bodyTimeoutMs: number;
    readonly graceSeconds: number;
    readonly maxIndexedLineBytes: number;
    readonly idempotencyWindowHours: number;
    readonly lanes: number;
    readonly maxConnections: number;
  };
  readonly backPressure: {
    readonly maxUnqueuedFiles: number;
    readonly maxQueueDepth: number;
    readonly maxJournalBlocks: number;
  };
  readonly storage: {
    readonly warnFraction: number;
    readonly refuseFraction: number;
  };
  readonly queue: {
    readonly buckets: number;
    readonly maxAttempts: number;
    readonly maxDepth: number;
  };
  readonly consumer: {
    readonly batchDocuments: number;
    readonly batchBytes: number;
    readonly batchesInFlight: number;
    readonly workers: number;
    readonly softCommitMs: number;
    readonly hardCommitMs: number;
    readonly commitDocuments: number;
    readonly noProgressMs: number;
    readonly requeueAfterMs: number;
  };
  readonly index: {
    readonly collection: string;
    readonly shards: number;
    readonly replicas: number;
  };
  readonly recovery: {
    readonly scanIntervalMs: number;
  };
  readonly deletion: {
    readonly clockSkewMs: number;
  };
  readonly audit: {
    readonly intervalMs: number;
    readonly readBytesPerSecond: number;
    readonly indexQueriesPerSecond: number;
  };
}

/** Part of Settings: what an operator changed from the defaults. `null` takes a value back to its default. */
export type SettingsPatch = {
  readonly [G in keyof Settings]?: { readonly [K in keyof Settings[G]]?: Settings[G][K] | null };
};

/**
 * The settings in force, kept up to date. Readers take `current` at each use and never keep it; whoever has to
 * act on a change uses `onChange`.
 */
export interface SettingsWatcher {
  readonly current: Settings;
  /** Number of changes since the cluster was initialised; shown in every process's /metrics. */
  readonly version: number;
  /** Calls back after each change, until the returned function is called. */
  onChange(callback: (settings: Settings) => void): () => void;
}
