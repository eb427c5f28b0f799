import { readFileSync } from 'node:fs';
import { ConfigurationError, messageOf } from '../../errors';
import { loadSchema } from '../../schemas';

/** Tiers whose members know of one another, in the order in which they are brought in line. */
export const tiers = ['zookeeper', 'mongodb', 'solr'] as const;
export type TierName = (typeof tiers)[number];

/** One server that a cluster shall have. */
export interface WantedServer {
  /** Kept for ever. */
  readonly name: string;
  /** `[::1]:27017`; undefined: not known yet, so that what there is of it stays. */
  readonly address?: string;
  /** Made with the folder of its data: another one means that those are gone. */
  readonly incarnation?: string;
}

export interface WantedZooKeeper {
  readonly name: string;
  readonly id: number;
  /** Without brackets; undefined: not known yet. */
  readonly host?: string;
  readonly port: number;
  readonly peerPort: number;
  readonly electionPort: number;
  readonly incarnation?: string;
}

/** The members that a cluster shall have; see schemas/members.json. A tier that is absent is left alone. */
export interface MembersPlan {
  readonly zookeeper?: { readonly members: readonly WantedZooKeeper[] };
  readonly mongodb?: { readonly replicaSet: string; readonly members: readonly WantedServer[] };
  readonly solr?: { readonly replicas: number; readonly members: readonly WantedServer[] };
}

/** ConfigurationError names the file and what is wrong in it. */
export function readPlan(file: string): MembersPlan {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigurationError(`${file} can't be read: ${messageOf(error)}`, {
      cause: error, remedy: 'name the JSON file of the wanted members with --plan',
    });
  }
  const checked = loadSchema<MembersPlan>('members').check(content);
  if ('problem' in checked) {
    throw new ConfigurationError(`${file}: ${checked.problem}`, { remedy: 'correct it; schemas/members.json describes it' });
  }
  for (const tier of tiers) mustDiffer(file, tier, checked.value[tier]?.members ?? []);
  return checked.value;
}

function mustDiffer(
  file: string, tier: TierName, members: readonly { readonly name: string; readonly id?: number }[],
): void {
  const names = members.flatMap(({ name, id }) => [name, ...(id === undefined ? [] : [String(id)])]);
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double !== undefined) throw new ConfigurationError(`${file}: ${tier} has two members ${double}`);
}
