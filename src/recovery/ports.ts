/**
 * Runs the work while this process holds the named lock; does nothing, without an error, when another process holds
 * it. The lock only saves work: two holders at once do no harm. `lost` aborts when the lock may be another's.
 */
export type Exclusively = (name: string, work: (lost: AbortSignal) => Promise<void>) => Promise<void>;

/**
 * Incarnations of producers that live, read from the registry now and not from a cache. Rejects rather than leave one
 * out: on doubt an incarnation is alive.
 */
export type AliveIncarnations = () => Promise<ReadonlySet<string>>;
