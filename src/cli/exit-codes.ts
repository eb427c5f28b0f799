import {
  ConfigurationError, ConflictError, CorruptionError, InputError, LimitError, NotFoundError, PermissionError,
  UnavailableError, UnknownOutcomeError,
} from '../errors';
import { DefinitionError } from '../normaliser/definition-error';

/** Exit codes of every command: those of BSD's sysexits.h, so that scripts can tell whose turn it is. */
export const ExitCode = {
  ok: 0,
  /** `audit run` found damage, repaired or not. */
  damage: 1,
  /** The command line or a query can't be used. */
  usage: 64,
  /** Data that was given or read is unusable. */
  data: 65,
  /** What was named does not exist. */
  noInput: 66,
  /** A component is not reachable or not ready. */
  unavailable: 69,
  /** A defect of ours. */
  software: 70,
  /** What was to be made exists already. */
  cantCreate: 73,
  /** Try again: it may have worked, or will. */
  tempFail: 75,
  /** The identity that was used may not do this. */
  noPermission: 77,
  /** The configuration can't be used. */
  config: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** For help and docs/commands.md. */
export const exitCodeMeanings: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [ExitCode.ok, 'done'], [ExitCode.damage, '`audit run` found damage'], [ExitCode.usage, 'wrong usage or query'], [ExitCode.data, 'unusable data'],
  [ExitCode.noInput, 'not found'], [ExitCode.unavailable, 'a component is not reachable, or not ready'],
  [ExitCode.software, 'a defect of resilog'], [ExitCode.cantCreate, 'exists already'],
  [ExitCode.tempFail, 'try again: it may have worked, or will'], [ExitCode.noPermission, 'not allowed'],
  [ExitCode.config, 'wrong configuration'],
];

const BY_ERROR = [
  [ConfigurationError, ExitCode.config],
  [NotFoundError, ExitCode.noInput],
  [ConflictError, ExitCode.cantCreate],
  [PermissionError, ExitCode.noPermission],
  [LimitError, ExitCode.data],
  [CorruptionError, ExitCode.data],
  [DefinitionError, ExitCode.data],
  [InputError, ExitCode.usage],
  [UnavailableError, ExitCode.unavailable],
  [UnknownOutcomeError, ExitCode.tempFail],
] as const;

export function exitCodeOf(error: unknown): ExitCode {
  return BY_ERROR.find(([kind]) => error instanceof kind)?.[1] ?? ExitCode.software;
}
