import type { Model, Step } from './explorer';

/** transaction: key and block together. The others are what is tempting instead. */
export type KeyRule = 'transaction' | 'key first' | 'block first' | 'look-up first';

interface Request {
  readonly step: 'idle' | 'looked' | 'half' | 'stored' | 'answered' | 'unanswered';
}

interface KeyState {
  readonly copies: number;
  readonly key: boolean;
  /** The same request on two producers, the second maybe at the same time. */
  readonly requests: readonly [Request, Request];
  readonly restarts: number;
}

/** One keyed request that a client sends to two producers, each of which may die at any step; it tries until a 200. */
export function keyModel(rule: KeyRule): Model<KeyState> {
  return {
    initial: { copies: 0, key: false, requests: [{ step: 'idle' }, { step: 'idle' }], restarts: 2 },
    steps: (state) => ([0, 1] as const).flatMap((index) => requestSteps(state, index, rule)),
    violation: (state) => {
      if (state.copies > 1) return 'two copies';
      const answered = state.requests.some(({ step }) => step === 'answered');
      return answered && state.copies === 0 ? 'answered without data' : undefined;
    },
  };
}

function requestSteps(state: KeyState, index: 0 | 1, rule: KeyRule): Step<KeyState>[] {
  const { step } = state.requests[index];
  const to = (name: string, next: Request['step'], more: Partial<KeyState> = {}): Step<KeyState> => {
    const requests: [Request, Request] = [state.requests[0], state.requests[1]];
    requests[index] = { step: next };
    return { name: `${index}: ${name}`, next: { ...state, ...more, requests } };
  };
  if (step === 'answered') return [];
  if (step === 'unanswered') {
    return state.restarts > 0 ? [to('client tries again', 'idle', { restarts: state.restarts - 1 })] : [];
  }
  const dies = to('producer dies', 'unanswered');
  if (step === 'stored') return [dies, to('answers', 'answered')];
  const copies = state.copies + 1;
  switch (rule) {
    case 'transaction':
      return [dies, state.key ? to('repeats the answer', 'answered') : to('commits', 'stored', { key: true, copies })];
    case 'key first':
      if (step === 'half') return [dies, to('stores', 'stored', { copies })];
      return [dies, state.key ? to('repeats the answer', 'answered') : to('notes the key', 'half', { key: true })];
    case 'block first':
      if (step === 'half') return [dies, to('notes the key', 'stored', { key: true })];
      return [dies, state.key ? to('repeats the answer', 'answered') : to('stores', 'half', { copies })];
    case 'look-up first':
      if (step === 'looked') return [dies, to('stores both', 'stored', { key: true, copies })];
      return [dies, state.key ? to('repeats the answer', 'answered') : to('finds no key', 'looked')];
  }
}
