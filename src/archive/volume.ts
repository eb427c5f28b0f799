import type { AuditRecords } from '../audit/ports';
import type { DefinitionStore } from '../normaliser/ports';
import type { Deletions } from '../retention/ports';
import type { Files } from './files';
import type { Journal } from './journal';
import type { States } from './states';


/** A volume is one replica set (or its in-memory stand-in): journal, files and states that share transactions. */
export interface Volume {
  readonly name: string;
  readonly journal: Journal;
  readonly files: Files;
  readonly states: States;
  readonly definitions: DefinitionStore;
  readonly deletions: Deletions;
  /** Rounds of the audit; those of a cluster are kept in its first volume. */
  readonly audits: AuditRecords;
  /** A small majority-committed round trip; UnavailableError when it can't be done in time. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
