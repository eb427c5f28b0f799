import { expect } from 'chai';
import type { Coordination, NodeContent, SessionState } from '../../../src/registry/coordination';
import { ConflictError, LimitError, NotFoundError } from '../../../src/errors';
import { Stopwatch } from '../../support/stopwatch';
import { until as untilWithin } from '../../support/wait';

/** A connection under test, with what breaks it. */
export interface Breakable {
  readonly coordination: Coordination;
  /** The network to the server breaks, so that the client notices. */
  loseConnection(): Promise<void>;
  reconnect(): Promise<void>;
  /** The server ends the session, and the client learns of it. */
  expireSession(): Promise<void>;
}

export interface CoordinationWorld {
  /** A further connection to the same tree. */
  connect(): Promise<Breakable>;
  /** Ends all connections and removes what was made. */
  close(): Promise<void>;
}

const text = (value: string): Buffer => Buffer.from(value);

export async function until(
  condition: () => boolean | Promise<boolean>, what: string, limitMs = 15_000,
): Promise<void> {
  await untilWithin(what, limitMs, condition, 5);
}

export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a failure');
}

/** What the Coordination port promises, of whichever adapter. */
export function coordinationSuite(name: string, open: () => Promise<CoordinationWorld>): void {
  describe(`Coordination over ${name}`, function () {
    this.timeout(60_000);
    let world: CoordinationWorld;
    let one: Breakable;
    let two: Breakable;
    let a: Coordination;
    let b: Coordination;

    beforeEach(async () => {
      world = await open();
      one = await world.connect();
      two = await world.connect();
      a = one.coordination;
      b = two.coordination;
      await until(() => a.state === 'connected' && b.state === 'connected', 'both connected');
      await a.ensure('/base');
    });

    afterEach(async () => {
      await world.close();
    });

    describe('nodes', () => {
      it('are made, read, changed and removed, seen by others', async () => {
        expect(await a.create('/base/x', text('1'))).to.equal('/base/x');
        const first = await b.get('/base/x');
        expect(first?.data.toString()).to.equal('1');
        expect(first?.stat).to.include({ version: 0, childCount: 0, ephemeralOwner: undefined });
        expect(first?.stat.createdZxid).to.match(/^[0-9a-f]{16}$/);
        const changed = await b.set('/base/x', text('2'));
        expect(changed.version).to.equal(1);
        expect((await b.get('/base/x'))?.data.toString()).to.equal('2');
        await b.remove('/base/x');
        await b.remove('/base/x');
        expect(await b.get('/base/x')).to.equal(undefined);
        expect(await b.exists('/base/x')).to.equal(undefined);
      });

      it('refuse what contradicts the tree, with the error that the port names', async () => {
        await a.create('/base/x', text(''));
        expect(await failure(a.create('/base/x', text('')))).to.be.instanceOf(ConflictError);
        expect(await failure(a.create('/nowhere/x', text('')))).to.be.instanceOf(NotFoundError);
        expect(await failure(a.set('/base/none', text('')))).to.be.instanceOf(NotFoundError);
        expect(await failure(a.children('/base/none'))).to.be.instanceOf(NotFoundError);
        expect(await failure(a.remove('/base'))).to.be.instanceOf(ConflictError);
        expect(await failure(a.create('/base/large', Buffer.alloc(2 ** 20)))).to.be.instanceOf(LimitError);
      });

      it('compare and set, version 0 included', async () => {
        await a.create('/base/x', text('0'));
        expect((await a.set('/base/x', text('1'), 0)).version).to.equal(1);
        expect(await failure(a.set('/base/x', text('2'), 0))).to.be.instanceOf(ConflictError);
        expect((await a.set('/base/x', text('2'), 1)).version).to.equal(2);
      });

      it('keep empty and binary content', async () => {
        await a.create('/base/empty', Buffer.alloc(0));
        await a.create('/base/binary', Buffer.from([0, 255, 10, 0]));
        expect((await b.get('/base/empty'))?.data.length).to.equal(0);
        expect([...((await b.get('/base/binary'))?.data ?? [])]).to.deep.equal([0, 255, 10, 0]);
      });

      it('are numbered by a counter of their parent, which starts again with a new parent', async () => {
        const first = await a.create('/base/item-', text(''), 'persistent-sequential');
        const second = await b.create('/base/item-', text(''), 'persistent-sequential');
        expect(first).to.equal('/base/item-0000000000');
        expect(second).to.equal('/base/item-0000000001');
        await a.remove(second);
        expect(await a.create('/base/item-', text(''), 'ephemeral-sequential')).to.equal('/base/item-0000000002');
        const before = await a.exists('/base');
        await a.removeTree('/base');
        await a.ensure('/base');
        expect(await a.create('/base/item-', text(''), 'persistent-sequential')).to.equal(first);
        expect((await a.exists('/base'))?.createdZxid).to.not.equal(before?.createdZxid);
      });

      it('are ensured and removed as trees', async () => {
        await Promise.all([a.ensure('/base/p/q/r'), b.ensure('/base/p/q/s')]);
        expect([...(await a.children('/base/p/q'))].sort()).to.deep.equal(['r', 's']);
        await a.removeTree('/base/p');
        await a.removeTree('/base/p');
        expect(await a.exists('/base/p')).to.equal(undefined);
      });
    });

    describe('multi', () => {
      it('takes effect as a whole', async () => {
        await a.create('/base/old', text(''));
        const made = await a.multi([
          { type: 'check', path: '/base' },
          { type: 'create', path: '/base/n-', data: text('n'), kind: 'persistent-sequential' },
          { type: 'create', path: '/base/child', data: text('c') },
          { type: 'create', path: '/base/child/below', data: text('d') },
          { type: 'set', path: '/base', data: text('changed') },
          { type: 'remove', path: '/base/old' },
        ]);
        expect(made).to.deep.equal(['', '/base/n-0000000001', '/base/child', '/base/child/below', '', '']);
        expect((await b.get('/base'))?.data.toString()).to.equal('changed');
        expect(await b.exists('/base/old')).to.equal(undefined);
        expect((await b.get('/base/child/below'))?.data.toString()).to.equal('d');
      });

      it('has no effect when a part fails, and names the part', async () => {
        let calls = 0;
        const watch = b.watchChildren('/base', () => { calls += 1; });
        await watch.ready;
        const error = await failure(a.multi([
          { type: 'create', path: '/base/new', data: text('') },
          { type: 'set', path: '/base', data: text('changed') },
          { type: 'check', path: '/base/fence' },
        ]));
        expect(error).to.be.instanceOf(NotFoundError);
        expect(error.message).to.contain('/base/fence').and.contain('part 2');
        expect(await b.exists('/base/new')).to.equal(undefined);
        expect((await b.get('/base'))?.data.toString()).to.equal('');
        const conflict = failure(a.multi([{ type: 'create', path: '/base', data: text('') }]));
        expect(await conflict).to.be.instanceOf(ConflictError);
        expect(calls).to.equal(1);
        expect(await a.multi([])).to.deep.equal([]);
      });
    });

    describe('watches', () => {
      it('give the content now and after changes, through absence', async () => {
        const seen: (string | undefined)[] = [];
        const watch = b.watchContent('/base/w', (content) => seen.push(content?.data.toString()));
        await watch.ready;
        expect(seen).to.deep.equal([undefined]);
        await a.create('/base/w', text('1'));
        await until(() => seen.at(-1) === '1', 'created');
        for (let i = 2; i <= 50; i += 1) await a.set('/base/w', text(String(i)));
        await until(() => seen.at(-1) === '50', 'last change');
        await a.remove('/base/w');
        await until(() => seen.at(-1) === undefined && seen.length > 2, 'removed');
        await a.create('/base/w', text('again'));
        await until(() => seen.at(-1) === 'again', 'created again');
        watch.close();
        const count = seen.length;
        await a.set('/base/w', text('unseen'));
        await b.get('/base/w');
        expect(seen.length).to.equal(count);
      });

      it('give the children, through absence of the parent', async () => {
        const seen: (string | undefined)[] = [];
        const watch = b.watchChildren('/base/w', (names) => seen.push(names && [...names].sort().join()));
        await watch.ready;
        expect(seen).to.deep.equal([undefined]);
        await a.create('/base/w', text(''));
        await until(() => seen.at(-1) === '', 'created');
        for (let i = 0; i < 20; i += 1) await a.create(`/base/w/${String(i).padStart(2, '0')}`, text(''));
        await until(() => seen.at(-1)?.split(',').length === 20, 'all children');
        await a.removeTree('/base/w');
        await until(() => seen.at(-1) === undefined, 'removed');
        watch.close();
      });

      it('tell once that a node is gone, also one that never was, and then no more', async () => {
        await a.create('/base/leaving', text(''));
        const told: string[] = [];
        b.whenGone('/base/leaving', () => { told.push('left'); });
        b.whenGone('/base/never', () => { told.push('never'); });
        b.whenGone('/base', () => { told.push('wrong'); });
        const closed = b.whenGone('/base/leaving', () => { told.push('closed'); });
        await until(() => told.includes('never'), 'one that is not there');
        closed.close();
        await a.set('/base/leaving', text('changed'));
        await a.remove('/base/leaving');
        await until(() => told.includes('left'), 'one that goes');
        for (const path of ['/base/leaving', '/base/never']) {
          await a.create(path, text(''));
          await a.remove(path);
        }
        await b.exists('/base');
        expect(told).to.deep.equal(['never', 'left']);
      });

      it('survive a handler that throws, and more than one watch of a node', async () => {
        const seen: string[] = [];
        const watches = Array.from({ length: 15 }, (_, i) => b.watchContent('/base', (content) => {
          seen.push(`${i}:${content?.data.toString() ?? ''}`);
          if (i === 0) throw new Error('a defect of the handler');
        }));
        await Promise.all(watches.map((watch) => watch.ready));
        await a.set('/base', text('v'));
        await until(() => seen.filter((entry) => entry.endsWith(':v')).length === 15, 'all told');
        for (const watch of watches) watch.close();
      });

      it('see what changed while there was no connection', async () => {
        let content: NodeContent | undefined;
        let names: readonly string[] | undefined;
        const watches = [
          b.watchContent('/base', (value) => { content = value; }),
          b.watchChildren('/base', (value) => { names = value; }),
        ];
        await Promise.all(watches.map((watch) => watch.ready));
        await two.loseConnection();
        await until(() => b.state === 'suspended', 'suspended');
        await a.set('/base', text('meanwhile'));
        await a.create('/base/new', text(''));
        expect(content?.data.toString()).to.equal('');
        await two.reconnect();
        await until(() => content?.data.toString() === 'meanwhile' && names?.includes('new') === true, 'caught up');
        await a.set('/base', text('later'));
        await until(() => content?.data.toString() === 'later', 'watched again');
        await two.expireSession();
        await until(() => b.state === 'connected', 'a new session');
        await a.set('/base', text('in the new session'));
        await until(() => content?.data.toString() === 'in the new session', 'watched in the new session');
        for (const watch of watches) watch.close();
      });
    });

    describe('sessions', () => {
      it('wait through a short loss of the connection', async () => {
        const { sessionId } = a;
        const path = await a.create('/base/mine', text(''), 'ephemeral');
        const states: SessionState[] = [];
        a.onState((state) => states.push(state));
        await one.loseConnection();
        await until(() => a.state === 'suspended', 'suspended');
        const late = a.get('/base');
        await one.reconnect();
        expect((await late)?.data.toString()).to.equal('');
        expect(a.sessionId).to.equal(sessionId);
        expect(a.silentMs()).to.equal(0);
        expect((await b.exists(path))?.ephemeralOwner).to.equal(sessionId);
        expect(states).to.deep.equal(['suspended', 'connected']);
      });

      it('refuse within the deadline what can not be done without a connection', async () => {
        await one.loseConnection();
        await until(() => a.state === 'suspended', 'suspended');
        const stopwatch = new Stopwatch();
        const error = await failure(a.create('/base/x', text('')));
        expect(error.name).to.equal('UnavailableError');
        expect(stopwatch.ms).to.be.lessThan(6_500);
        expect(a.silentMs()).to.be.greaterThan(500);
        await one.reconnect();
        await until(() => a.state === 'connected', 'connected');
        expect(await a.exists('/base/x')).to.equal(undefined);
      });

      it('end with their ephemerals, and begin anew', async () => {
        const former = a.sessionId;
        const path = await a.create('/base/mine', text(''), 'ephemeral');
        const states: SessionState[] = [];
        a.onState((state) => states.push(state));
        await one.expireSession();
        await until(() => states.includes('expired') && a.state === 'connected', 'a new session');
        expect(a.sessionId).to.match(/^[0-9a-f]{16}$/).and.not.equal(former);
        expect(await a.exists(path)).to.equal(undefined);
        await a.create(path, text('again'), 'ephemeral');
        expect((await b.exists(path))?.ephemeralOwner).to.equal(a.sessionId);
      });

      it('take their ephemerals with them when closed; closing is idempotent', async () => {
        const path = await a.create('/base/mine', text(''), 'ephemeral');
        await a.hold('/base/held', text(''));
        await a.close();
        await a.close();
        expect(a.state).to.equal('closed');
        await until(async () => (await b.exists(path)) === undefined && (await b.exists('/base/held')) === undefined, 'gone', 2_000);
        expect((await failure(a.get('/base'))).name).to.equal('UnavailableError');
      });
    });

    describe('held nodes', () => {
      it('are re-made in every new session with their last content', async () => {
        const held = await a.hold('/base/held', text('1'));
        await held.update(text('2'));
        expect((await b.get('/base/held'))?.data.toString()).to.equal('2');
        await one.expireSession();
        await until(async () => (await b.exists('/base/held'))?.ephemeralOwner === a.sessionId, 're-made');
        expect((await b.get('/base/held'))?.data.toString()).to.equal('2');
        await held.close();
        await held.close();
        expect(await b.exists('/base/held')).to.equal(undefined);
        await one.expireSession();
        await until(() => a.state === 'connected', 'connected');
        expect(await b.exists('/base/held')).to.equal(undefined);
      });

      it('take the place of a former session, never adopting a node that will expire (schedule 13)', async () => {
        await b.create('/base/held', text('former'), 'ephemeral');
        await a.hold('/base/held', text('mine'));
        await b.close();
        await until(async () => (await a.exists('/base/held')) !== undefined, 'still there');
        const content = await a.get('/base/held');
        expect(content?.data.toString()).to.equal('mine');
        expect(content?.stat.ephemeralOwner).to.equal(a.sessionId);
      });

      it('can be held again after they were closed', async () => {
        const held = await a.hold('/base/held', text('1'));
        expect(await failure(a.hold('/base/held', text('x')))).to.be.instanceOf(ConflictError);
        void held.close();
        await a.hold('/base/held', text('2'));
        expect((await b.get('/base/held'))?.data.toString()).to.equal('2');
      });

      it('take over changes made while there was no connection', async () => {
        const held = await a.hold('/base/held', text('1'));
        const other = await a.hold('/base/other', text('1'));
        await one.loseConnection();
        await until(() => a.state === 'suspended', 'suspended');
        const changes = [held.update(text('2')), other.close()];
        await one.reconnect();
        await Promise.all(changes);
        await until(async () => (await b.get('/base/held'))?.data.toString() === '2', 'updated');
        expect(await b.exists('/base/other')).to.equal(undefined);
      });

      it('need their parent', async () => {
        expect(await failure(a.hold('/nowhere/held', text('')))).to.be.instanceOf(NotFoundError);
      });
    });
  });
}
