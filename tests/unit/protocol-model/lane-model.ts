import type { Model, Step } from './explorer';

/** Rules that hold the protocol together; a test takes out one at a time. */
export interface LaneRules {
  readonly sealIsChecked: boolean;
  readonly highestIsKept: boolean;
  readonly writesInFlight: number;
  readonly stateIsUnique: boolean;
}

export const soundRules: LaneRules = {
  sealIsChecked: true, highestIsKept: true, writesInFlight: 1, stateIsUnique: true,
};

/** A block holds one line, whose id is the number of its write; or it is a seal. */
type Document = { readonly line: number; readonly file: number } | 'seal';

interface Write {
  readonly n: number;
  readonly line: number;
  readonly file: number;
  /** sent: may still arrive, or never. */
  readonly at: 'sent' | 'stored' | 'collided';
}

interface Closing {
  readonly step: 'read' | 'commit' | 'release';
  readonly file: number;
  readonly through: number;
  readonly lines: readonly number[];
}

interface Sealing {
  readonly step: 'idle' | 'insert' | 'check' | 'read' | 'commit' | 'release' | 'done';
  readonly n: number;
  readonly files: readonly (readonly [file: number, lines: readonly number[]])[];
}

interface LaneState {
  readonly documents: Readonly<Record<string, Document>>;
  readonly writes: readonly Write[];
  /** Without a process, or without the belief to own the lane, nothing new is written. */
  readonly owner: 'writing' | 'over' | 'dead';
  readonly next: number;
  readonly file: number;
  readonly fileStarted: boolean;
  readonly left: number;
  readonly acknowledged: readonly number[];
  readonly closing: Closing | null;
  /** What closing transactions committed, in order. */
  readonly closed: readonly (readonly [file: number, lines: readonly number[]])[];
  readonly recoverer: Sealing;
  readonly recovererDeaths: number;
}

const IDLE: Sealing = { step: 'idle', n: 0, files: [] };

/**
 * One lane: its producer writes lines, may lose answers, die, pause (simply not be scheduled) and wake; it closes
 * generations and releases blocks, while a recoverer that takes it for dead seals, closes, releases, and dies once.
 */
export function laneModel(rules: LaneRules, lines = 3): Model<LaneState> {
  return {
    initial: {
      documents: {}, writes: [], owner: 'writing', next: 0, file: 0, fileStarted: false, left: lines,
      acknowledged: [], closing: null, closed: [], recoverer: IDLE, recovererDeaths: 1,
    },
    steps: (state) => [...producerSteps(state, rules), ...networkSteps(state), ...closingSteps(state, rules),
      ...recovererSteps(state, rules)],
    violation,
  };
}

function violation(state: LaneState, final: boolean): string | undefined {
  const kept = state.closed.flatMap(([, lines]) => lines);
  if (new Set(kept).size < kept.length) return 'a line is in two files';
  if (!final) return undefined;
  const lost = state.acknowledged.filter((line) => !kept.includes(line));
  return lost.length > 0 ? `acknowledged line ${lost.join()} is in no file` : undefined;
}

function producerSteps(state: LaneState, rules: LaneRules): Step<LaneState>[] {
  const { owner, writes, left, next, file } = state;
  if (owner === 'dead') return [];
  const steps: Step<LaneState>[] = [{ name: 'producer dies', next: { ...state, owner: 'dead', closing: null } }];
  if (owner === 'writing' && left > 0 && writes.length < rules.writesInFlight) {
    const write: Write = { n: next, line: left, file, at: 'sent' };
    steps.push({
      name: `producer writes line ${left} as ${next}`,
      next: { ...state, writes: [...writes, write], next: next + 1, left: left - 1, fileStarted: true },
    });
  }
  for (const write of writes) {
    const rest = writes.filter((other) => other !== write);
    if (write.at === 'stored') {
      const acknowledged = [...state.acknowledged, write.line].sort();
      steps.push({ name: `producer acknowledges ${write.line}`, next: { ...state, writes: rest, acknowledged } });
    } else if (write.at === 'collided') {
      steps.push({ name: `producer collides at ${write.n}`, next: { ...state, writes: rest, owner: 'over' } });
    }
    // No answer: the lane is over for its owner. What was sent stays under way, see networkSteps.
    if (owner === 'writing') steps.push({ name: 'producer gets no answer', next: { ...state, owner: 'over' } });
  }
  if (owner === 'writing' && state.fileStarted && state.closing === null && writes.length === 0) {
    const closing: Closing = { step: 'read', file, through: next - 1, lines: [] };
    steps.push({
      name: 'producer closes its file', next: { ...state, closing, file: file + 1, fileStarted: false },
    });
  }
  return steps;
}

function networkSteps(state: LaneState): Step<LaneState>[] {
  return state.writes.filter(({ at }) => at === 'sent').flatMap((write) => {
    const rest = state.writes.filter((other) => other !== write);
    const free = state.documents[write.n] === undefined;
    const arrived: Write = { ...write, at: free ? 'stored' : 'collided' };
    const documents = free
      ? { ...state.documents, [write.n]: { line: write.line, file: write.file } } : state.documents;
    // An owner that waits no longer is not told.
    const writes = state.owner === 'writing' ? [...rest, arrived].sort((a, b) => a.n - b.n) : rest;
    return [
      { name: `write ${write.n} ${arrived.at}`, next: { ...state, documents, writes } },
      { name: `write ${write.n} is lost`, next: { ...state, writes: rest, owner: over(state.owner) } },
    ];
  });
}

function over(owner: LaneState['owner']): LaneState['owner'] {
  return owner === 'writing' ? 'over' : owner;
}

function closingSteps(state: LaneState, rules: LaneRules): Step<LaneState>[] {
  const { closing } = state;
  if (closing === null) return [];
  switch (closing.step) {
    case 'read': {
      const lines = blocksOf(state).filter(([n, block]) => n <= closing.through && block.file === closing.file)
        .map(([, block]) => block.line);
      return [{ name: 'producer reads', next: { ...state, closing: { ...closing, step: 'commit', lines } } }];
    }
    case 'commit': {
      const closed = commit(state, rules, closing.file, closing.lines);
      return [{ name: 'producer commits', next: { ...state, closed, closing: { ...closing, step: 'release' } } }];
    }
    case 'release': {
      const documents = release(state, rules, closing.through);
      return [{ name: 'producer releases', next: { ...state, documents, closing: null } }];
    }
  }
}

function recovererSteps(state: LaneState, rules: LaneRules): Step<LaneState>[] {
  const { recoverer } = state;
  if (recoverer.step === 'done') return [];
  const to = (name: string, next: Sealing, more: Partial<LaneState> = {}): Step<LaneState> => (
    { name: `recoverer ${name}`, next: { ...state, ...more, recoverer: next } });
  const steps: Step<LaneState>[] = [];
  if (state.recovererDeaths > 0 && recoverer.step !== 'idle') {
    steps.push(to('dies', IDLE, { recovererDeaths: state.recovererDeaths - 1 }));
  }
  const highest = highestOf(state);
  switch (recoverer.step) {
    case 'idle': {
      const sealed = state.documents[highest] === 'seal';
      const n = sealed ? highest : highest + 1;
      return [...steps, to(`looks: ${n}`, { ...recoverer, step: sealed ? 'check' : 'insert', n })];
    }
    case 'insert': {
      if (state.documents[recoverer.n] !== undefined) return [...steps, to('looks again', IDLE)];
      const documents = { ...state.documents, [recoverer.n]: 'seal' as const };
      const step = rules.sealIsChecked ? 'check' : 'read';
      return [...steps, to(`seals at ${recoverer.n}`, { ...recoverer, step }, { documents })];
    }
    case 'check': {
      const valid = highest === recoverer.n && state.documents[highest] === 'seal';
      return [...steps, to(valid ? 'finds the seal valid' : 'finds it invalid', valid ? { ...recoverer, step: 'read' } : IDLE)];
    }
    case 'read': {
      const files = new Map<number, number[]>();
      for (const [n, { file, line }] of blocksOf(state)) {
        if (n < recoverer.n) files.set(file, [...files.get(file) ?? [], line]);
      }
      return [...steps, to('reads', { ...recoverer, step: 'commit', files: [...files] })];
    }
    case 'commit': {
      const [first, ...files] = recoverer.files;
      if (first === undefined) return [...steps, to('has closed all', { ...recoverer, step: 'release' })];
      return [...steps, to(`closes file ${first[0]}`, { ...recoverer, files }, { closed: commit(state, rules, ...first) })];
    }
    case 'release': {
      const documents = release(state, rules, recoverer.n);
      return [...steps, to('releases', { ...recoverer, step: 'done' }, { documents })];
    }
  }
}

function commit(
  state: LaneState, rules: LaneRules, file: number, lines: readonly number[],
): LaneState['closed'] {
  if (rules.stateIsUnique && state.closed.some(([other]) => other === file)) return state.closed;
  return [...state.closed, [file, lines]];
}

function release(state: LaneState, rules: LaneRules, through: number): LaneState['documents'] {
  const highest = highestOf(state);
  return Object.fromEntries(Object.entries(state.documents).filter(([key]) => (
    Number(key) > through || (rules.highestIsKept && Number(key) === highest))));
}

function blocksOf(state: LaneState): (readonly [n: number, block: Exclude<Document, 'seal'>])[] {
  return Object.entries(state.documents).flatMap(([n, document]) => (
    document === 'seal' ? [] : [[Number(n), document] as const]));
}

function highestOf(state: LaneState): number {
  return Math.max(-1, ...Object.keys(state.documents).map(Number));
}
