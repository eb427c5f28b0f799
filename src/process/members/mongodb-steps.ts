import type { WantedServer } from './plan';

/** A member in the configuration of a replica set; what else it has is kept. */
export interface SetMember {
  readonly _id: number;
  readonly host: string;
  readonly votes?: number;
  readonly priority?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SetFacts {
  readonly members: readonly SetMember[];
  /** State of each host, as the primary sees it: PRIMARY, SECONDARY, STARTUP2 and so on. */
  readonly states: ReadonlyMap<string, string>;
  /** Wanted addresses that answer and belong to this set or none. */
  readonly answering: ReadonlySet<string>;
}

/** The next thing to do to a set; one change at a time, each of which is safe by itself. */
export type SetStep =
  | { readonly kind: 'configure'; readonly members: readonly SetMember[]; readonly what: string }
  | { readonly kind: 'step-down'; readonly what: string }
  | { readonly kind: 'wait'; readonly what: string };

const MEMBER_ID_MAX = 255;

/**
 * What brings a replica set nearer to the wanted members; undefined when it has them. Who joins copies the data
 * without a vote, so that it counts in no majority before it holds what the others acknowledged; who lost its data
 * joins like a new one. Votes are given and taken one at a time, as MongoDB wants it.
 */
export function nextSetStep(wanted: readonly WantedServer[], facts: SetFacts): SetStep | undefined {
  return relabel(wanted, facts) ?? promote(wanted, facts) ?? replaceLost(wanted, facts) ?? add(wanted, facts)
    ?? awaitCopies(wanted, facts) ?? takeOut(wanted, facts);
}

/** Name of a member of the set: its tag, else the name of who is wanted at its address. */
export function nameOf(member: SetMember, wanted: readonly WantedServer[]): string | undefined {
  return member.tags?.member ?? wanted.find(({ address }) => address === member.host)?.name;
}

/** The entry of a member that is in a set. */
export function entryOf(id: number, { name, incarnation }: WantedServer, address: string): SetMember {
  return { _id: id, host: address, tags: { member: name, ...(incarnation === undefined ? {} : { incarnation }) } };
}

/** Marks who is there already, and follows an address that changed while the data stayed. */
function relabel(wanted: readonly WantedServer[], { members }: SetFacts): SetStep | undefined {
  const changed: string[] = [];
  const next = members.map((member) => {
    const server = wanted.find(({ name }) => name === nameOf(member, wanted));
    if (server === undefined || isLost(member, server)) return member;
    const incarnation = member.tags?.incarnation ?? server.incarnation;
    const tags = { ...member.tags, member: server.name, ...(incarnation === undefined ? {} : { incarnation }) };
    const host = server.address ?? member.host;
    if (host === member.host && JSON.stringify(tags) === JSON.stringify(member.tags)) return member;
    changed.push(server.name);
    return { ...member, host, tags };
  });
  return changed.length === 0 ? undefined : { kind: 'configure', members: next, what: `writes who ${changed.join(', ')} is` };
}

function promote(wanted: readonly WantedServer[], { members, states }: SetFacts): SetStep | undefined {
  const ready = members.find((member) => isJoining(member) && isKept(member, wanted) && states.get(member.host) === 'SECONDARY');
  if (ready === undefined) return undefined;
  return {
    kind: 'configure', what: `gives ${nameOf(ready, wanted) ?? ''} a vote`,
    members: members.map((member) => (member === ready ? { ...member, votes: 1, priority: 1 } : member)),
  };
}

/** The entry of data that are gone must not be taken over by an empty server at the same address: it would vote. */
function replaceLost(wanted: readonly WantedServer[], facts: SetFacts): SetStep | undefined {
  const lost = facts.members.find((member) => wanted.some((server) => isLost(member, server)));
  return lost === undefined ? undefined : without(lost, wanted, facts, 'whose data are gone');
}

function add(wanted: readonly WantedServer[], { members, answering }: SetFacts): SetStep | undefined {
  const present = new Set(members.map((member) => nameOf(member, wanted)));
  for (const server of wanted) {
    const { name, address } = server;
    if (present.has(name) || address === undefined || !answering.has(address)) continue;
    const entry = { ...entryOf(freeId(members), server, address), votes: 0, priority: 0 };
    return { kind: 'configure', members: [...members, entry], what: `adds ${name} without a vote` };
  }
  return undefined;
}

function awaitCopies(wanted: readonly WantedServer[], { members, states }: SetFacts): SetStep | undefined {
  const joining = members.filter((member) => isJoining(member) && isKept(member, wanted))
    .map((member) => `${nameOf(member, wanted) ?? ''} copies the data (${states.get(member.host) ?? 'not seen yet'})`);
  const present = new Set(members.map((member) => nameOf(member, wanted)));
  const missing = wanted.filter(({ name }) => !present.has(name))
    .map(({ name, address }) => (address === undefined ? `${name} has no address yet` : `${name} does not answer yet`));
  const all = [...joining, ...missing];
  return all.length === 0 ? undefined : { kind: 'wait', what: all.join(', ') };
}

/** The primary last: it can't take itself out. All others of those who leave are gone by then. */
function takeOut(wanted: readonly WantedServer[], facts: SetFacts): SetStep | undefined {
  const leaving = facts.members.filter((member) => !isKept(member, wanted));
  const [first] = leaving.filter(({ host }) => facts.states.get(host) !== 'PRIMARY').concat(leaving);
  if (first === undefined) return undefined;
  const weak = facts.members.filter((member) => isKept(member, wanted))
    .filter(({ host }) => !['PRIMARY', 'SECONDARY'].includes(facts.states.get(host) ?? ''));
  if (weak.length > 0) {
    const names = weak.map((member) => nameOf(member, wanted) ?? member.host).join(', ');
    return { kind: 'wait', what: `${names} must be up before another member leaves` };
  }
  return without(first, wanted, facts, 'which is not wanted any more');
}

function without(
  member: SetMember, wanted: readonly WantedServer[], { members, states }: SetFacts, why: string,
): SetStep {
  const name = nameOf(member, wanted) ?? member.host;
  if (states.get(member.host) === 'PRIMARY') return { kind: 'step-down', what: `${name}, ${why}, hands over` };
  return { kind: 'configure', members: members.filter((one) => one !== member), what: `takes out ${name}, ${why}` };
}

function isLost(member: SetMember, { name, incarnation }: WantedServer): boolean {
  const former = member.tags?.incarnation;
  return member.tags?.member === name && former !== undefined && incarnation !== undefined && former !== incarnation;
}

function isKept(member: SetMember, wanted: readonly WantedServer[]): boolean {
  const name = nameOf(member, wanted);
  return wanted.some((server) => server.name === name);
}

function isJoining({ votes }: SetMember): boolean {
  return votes === 0;
}

function freeId(members: readonly SetMember[]): number {
  const used = new Set(members.map(({ _id }) => _id));
  const next = Math.max(-1, ...used) + 1;
  if (next <= MEMBER_ID_MAX) return next;
  return Array.from({ length: MEMBER_ID_MAX }, (_, id) => id).find((id) => !used.has(id)) ?? next;
}
