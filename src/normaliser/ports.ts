/** A tag's value. Dates are not tags: see `Normalised.dateMs`. */
export type TagValue = string | number;
export type Tags = Readonly<Record<string, TagValue>>;

/** All that the tags of a line depend on; the same input and definitions always give the same result. */
export interface NormaliserInput {
  /** The line's text without its LF and one CR before it, already cut to `maxIndexedLineBytes`. */
  readonly text: string;
  /** Stored time of reception, ms since the epoch: a year that the line lacks is the nearest to it. */
  readonly receivedMs: number;
  /** IANA name of the zone in which a date without one is read. */
  readonly timeZone: string;
}

export interface Match {
  /** `<name>-<version>` of the definition, e.g. `syslog-1.0`. */
  readonly normalizer: string;
  /** Name of the pattern within it. */
  readonly pattern: string;
}

export interface Normalised {
  readonly tags: Tags;
  /** The line's own date; undefined when it has none. */
  readonly dateMs: number | undefined;
  /** In order of application; empty: nothing matched and the line is indexed raw. */
  readonly matched: readonly Match[];
  /** The `body` that remains for reading, e.g. a syslog message without its header; undefined: the whole text. */
  readonly body: string | undefined;
}

/** One XML file of normalizer definitions, as it is stored and hashed. */
export interface DefinitionFile {
  readonly name: string;
  readonly xml: string;
}

/**
 * An immutable set of definitions. `version` is derived from the contents of all its files, so that a file of lines
 * can name the exact set that its tags come from, and any consumer can load that set again.
 */
export interface DefinitionSet {
  readonly version: string;
  readonly files: readonly DefinitionFile[];
}

/** Where sets are kept under their version. Sets are never changed or removed. */
export interface DefinitionStore {
  save(set: DefinitionSet): Promise<void>;
  /** NotFoundError when it was never saved. */
  load(version: string): Promise<DefinitionSet>;
}

/** Synchronous and pure: runs inside a worker thread. Never throws for the content of a line. */
export interface Normaliser {
  readonly version: string;
  normalise(input: NormaliserInput): Normalised;
}

/** What a pool gives of a line: written where it was found, on the thread that has time for it. */
export interface NormalisedLine extends Pick<Normalised, 'dateMs'> {
  /** Tags and normalizers as members of the index's document, see `membersOf`; empty: nothing matched. */
  readonly found: string;
}

/** Normalises batches off the main thread with a bounded queue. */
export interface NormaliserPool {
  /** Results in the order of the inputs. UnavailableError when closed. */
  normalise(version: string, inputs: readonly NormaliserInput[]): Promise<readonly NormalisedLine[]>;
  close(): Promise<void>;
}
