import type { ComponentKind } from './paths';

/** What a component says of itself in its ephemeral presence node. */
export interface Presence {
  readonly kind: ComponentKind;
  /** Name of the node: unique among the kind, stable over restarts of the same member. */
  readonly member: string;
  /** `[::1]:8443`. */
  readonly address: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  /** Free-form facts that others act on, e.g. `{diskUsedFraction: 0.41}`. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * A declared sender. `id` is given once and never used again: a removed name that is declared anew gets another
 * id and inherits nothing. A key is the lower-case hex SHA-256 of a certificate of the source (DER).
 */
export interface SourceKey {
  readonly key: string;
  readonly createdAt: string;
  /** The key is refused after this time (set by `rotate` on the former key). */
  readonly expiresAt?: string;
}

export interface SourceQuotas {
  readonly bytesPerSecond?: number;
  readonly requestsPerSecond?: number;
}

export interface Source {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** False: archived only, never indexed. */
  readonly indexed: boolean;
  /** True: only its TLS client certificate authenticates; the key in path or header is refused. */
  readonly certificateOnly: boolean;
  /** IANA zone that dates without one are read in; default UTC. */
  readonly timeZone: string;
  readonly quotas: SourceQuotas;
  readonly retentionDays?: number;
  readonly createdAt: string;
  readonly keys: readonly SourceKey[];
}

export type KeyVerdict =
  | { readonly verdict: 'known'; readonly source: Source }
  | { readonly verdict: 'disabled'; readonly source: Source }
  /** The source is certificate-only, and its key came in a path or header: refused. */
  | { readonly verdict: 'certificate-required'; readonly source: Source }
  | { readonly verdict: 'unknown' }
  /** Nothing reliable is known: not loaded yet, or no contact to the registry beyond the grace. */
  | { readonly verdict: 'unavailable'; readonly retryAfterSeconds: number };

/** How a client presented its key. `certificate`: it proved in TLS that it holds the certificate's private key. */
export type KeyOrigin = 'path' | 'header' | 'certificate';

/** What the producer asks per request; answered from a watched cache. */
export interface KeyDirectory {
  lookUp(key: string, via: KeyOrigin): KeyVerdict | Promise<KeyVerdict>;
}
