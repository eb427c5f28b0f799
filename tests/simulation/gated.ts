import { UnavailableError, UnknownOutcomeError } from '../../src/errors';
import type { Choices } from './choices';
import type { Actor, Scheduler } from './scheduler';

export interface Network {
  readonly scheduler: Scheduler;
  readonly choices: Choices;
  /** Whether requests may fail at this moment. */
  readonly isFaulty: () => boolean;
  /** Requests that were given up by their client are carried out by it. */
  readonly server: Actor;
}

/** What becomes of a request; the first is the harmless one. */
const fates = ['answered', 'refused', 'lost', 'answer lost', 'carried out late'] as const;
const CHANGE_WEIGHTS = [30, 1, 1, 1.5, 1] as const;
const READ_WEIGHTS = [40, 1] as const;

/** Methods that change something; all others only read. */
const CHANGES = new RegExp('^(?:openLane|insert|seal|release|setAside|close$|claim|advance|mark|restart|countAttempt|giveUp'
  + '|revive|bury|remove|forget|clear|save|add|commit|prepare|recover)');

type Method = (...args: unknown[]) => unknown;

/**
 * A port as a process reaches it over a network: each call waits for its turn before it takes effect, and again before
 * it is answered; it may fail before, or without anybody knowing. What a dead process asked for may still be done.
 */
export function gated<T extends object>(port: T, name: string, owner: Actor, network: Network): T {
  const reached = new Map<string | symbol, unknown>();
  return new Proxy(port, {
    get(target, property) {
      const known = reached.get(property);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      const method = overNetwork(value as Method, target, `${name}.${String(property)}`, owner, network);
      reached.set(property, method);
      return method;
    },
  });
}

function overNetwork(method: Method, port: object, what: string, owner: Actor, network: Network): Method {
  if (isGenerator(method)) {
    return (...args) => gatedItems(() => method.apply(port, args) as AsyncIterable<unknown>, what, owner, network);
  }
  const weights = CHANGES.test(what.slice(what.indexOf('.') + 1)) ? CHANGE_WEIGHTS : READ_WEIGHTS;
  const answer = `${what} answer`;
  return (...args) => call(
    () => method.apply(port, args) as Promise<unknown>, { what, answer, weights, owner }, network);
}

interface Call {
  readonly what: string;
  readonly answer: string;
  readonly weights: readonly number[];
  readonly owner: Actor;
}

async function call(
  method: () => Promise<unknown>, { what, answer, weights, owner }: Call, network: Network,
): Promise<unknown> {
  const { scheduler, choices, isFaulty } = network;
  await scheduler.gate(owner, what);
  const fate = isFaulty() ? fates[choices.weighted(weights)] ?? 'answered' : 'answered';
  if (fate !== 'answered') scheduler.note(`${owner.name} ${what}: ${fate}`);
  if (fate === 'refused') throw new UnavailableError(`${what} was not done`);
  if (fate === 'lost') throw new UnknownOutcomeError(`${what} was lost`);
  if (fate === 'carried out late') {
    void scheduler.gate(network.server, `${what} late`).then(method).catch(() => undefined);
    throw new UnknownOutcomeError(`${what} takes long`);
  }
  const result = await method();
  // When nothing goes wrong any more, the order of answers says nothing new.
  if (isFaulty()) await scheduler.gate(owner, answer);
  if (fate === 'answer lost') throw new UnknownOutcomeError(`the answer of ${what} was lost`);
  return result;
}

async function* gatedItems(
  items: () => AsyncIterable<unknown>, what: string, owner: Actor, { scheduler, choices, isFaulty }: Network,
): AsyncGenerator<unknown, void, void> {
  for await (const item of items()) {
    await scheduler.gate(owner, what);
    if (isFaulty() && choices.weighted(READ_WEIGHTS) === 1) throw new UnavailableError(`${what} broke off`);
    yield item;
  }
}

function isGenerator(method: object): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncGeneratorFunction]';
}
