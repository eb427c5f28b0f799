import { ACL, CreateMode, Exception, Id, Permission, type Stat, type TransactionResult } from 'node-zookeeper-client';
import { ConflictError, InputError, NotFoundError, PermissionError } from '../errors';
import { Access, type AccessPlan } from './access';
import { NodeKind, type MultiOperation, type NodeStat } from './coordination';
import { LinkLostError } from './session-link';

/** Between our words and those of node-zookeeper-client. */
export const createModes: Readonly<Record<NodeKind, number>> = {
  [NodeKind.persistent]: CreateMode.PERSISTENT,
  [NodeKind.ephemeral]: CreateMode.EPHEMERAL,
  [NodeKind.persistentSequential]: CreateMode.PERSISTENT_SEQUENTIAL,
  [NodeKind.ephemeralSequential]: CreateMode.EPHEMERAL_SEQUENTIAL,
};

const permissions: Readonly<Record<Access, number>> = {
  [Access.read]: Permission.READ,
  [Access.write]: Permission.WRITE,
  [Access.create]: Permission.CREATE,
  [Access.delete]: Permission.DELETE,
  [Access.admin]: Permission.ADMIN,
};

const NO_OWNER = '0000000000000000';

/** The ACL of a node that is made; without a plan everybody may do everything. */
export function aclOf(plan: AccessPlan | undefined, path: string): readonly ACL[] {
  if (plan === undefined) return [new ACL(Permission.ALL, new Id('world', 'anyone'))];
  return plan(path).map(({ identity, access }) =>
    new ACL(access.reduce((bits, right) => bits | permissions[right], 0), new Id('digest', identity)));
}

export function statOf(stat: Stat): NodeStat {
  const owner = stat.ephemeralOwner.toString('hex');
  return {
    version: stat.version,
    createdZxid: stat.czxid.toString('hex'),
    modifiedMs: Number(stat.mtime.readBigInt64BE()),
    childCount: stat.numChildren,
    ephemeralOwner: owner === NO_OWNER ? undefined : owner,
  };
}

/** Our error for an answer of the server; an unknown one counts as no verdict. */
export function errorOf(error: unknown, what: string): Error {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'number') {
    return new InputError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return errorOfCode(code, what, error);
}

function errorOfCode(code: number, what: string, cause?: unknown): Error {
  const options = cause === undefined ? {} : { cause };
  switch (code) {
    case Exception.NO_NODE:
      return new NotFoundError(`${what}: the node does not exist`, options);
    case Exception.NODE_EXISTS:
      return new ConflictError(`${what}: the node exists`, options);
    case Exception.NOT_EMPTY:
      return new ConflictError(`${what}: the node is not empty`, options);
    case Exception.BAD_VERSION:
      return new ConflictError(`${what}: the node was changed meanwhile`, options);
    case Exception.NO_AUTH:
    case Exception.AUTH_FAILED:
      return new PermissionError(`${what}: the registry does not allow it`, {
        ...options,
        remedy: 'see which credentials the configuration file names, and docs/specs/registry.md for what they may do',
      });
    case Exception.BAD_ARGUMENTS:
    case Exception.INVALID_ACL:
    case Exception.NO_CHILDREN_FOR_EPHEMERALS:
      return new InputError(`${what}: ZooKeeper refused it (${code})`, options);
    default:
      return new LinkLostError(`${what}: ZooKeeper answered ${code}`);
  }
}

/** The error of the part that made a multi fail: the parts around it carry no reason of their own. */
export function multiErrorOf(
  error: unknown, results: readonly TransactionResult[] | undefined, operations: readonly MultiOperation[],
): Error {
  const index = results?.findIndex(({ err }) =>
    err !== undefined && err !== Exception.OK && err !== Exception.RUNTIME_INCONSISTENCY) ?? -1;
  const part = operations[index];
  const code = results?.[index]?.err;
  if (part === undefined || code === undefined) return errorOf(error, 'multi');
  return errorOfCode(code, `part ${index} of the multi (${part.type} ${part.path})`, error);
}
