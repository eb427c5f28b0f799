import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import { InputError, PermissionError, UnavailableError } from '../../../src/errors';
import type { Log } from '../../../src/log';
import { silentLog } from '../../../src/log';
import { definitionSetOf } from '../../../src/normaliser/definition-set';
import { memoryDefinitionStore } from '../../../src/normaliser/memory-definition-store';
import type { DefinitionStore } from '../../../src/normaliser/ports';
import { withFiles, withUserFiles } from '../../../src/normaliser/user-definitions';
import { LiveDefinitions } from '../../../src/process/live-definitions';
import { MemoryCoordinationServer, type MemoryCoordination } from '../../../src/registry/memory-coordination';
import { paths } from '../../../src/registry/paths';
import { UserDefinitions } from '../../../src/registry/user-definitions';
import { ManualClock } from '../../support/manual-clock';
import { normalizerXml } from '../normaliser/definitions';

const PROGRAM = definitionSetOf([
  { name: 'resilog/a.xml', xml: normalizerXml({ name: 'a', text: 'A', tags: { A: 'a+' } }) },
]);
const OWN = { name: 'own.xml', xml: normalizerXml({ name: 'own', text: 'B', tags: { B: 'b+' } }) };
const OTHER = { name: 'other.xml', xml: normalizerXml({ name: 'other', text: 'C', tags: { C: 'c+' } }) };

describe('the users\' definitions in the registry', () => {
  let clock: ManualClock;
  let coordination: MemoryCoordination;
  let stores: DefinitionStore[];
  let user: UserDefinitions;
  let live: LiveDefinitions | undefined;
  let events: string[];
  let checked: (readonly string[])[];
  let verdict: () => void;

  beforeEach(async () => {
    clock = new ManualClock();
    coordination = new MemoryCoordinationServer({ clock }).connect();
    await coordination.ensure(paths.definitions);
    stores = [memoryDefinitionStore(), memoryDefinitionStore()];
    user = new UserDefinitions({ coordination, stores, clock });
    events = [];
    checked = [];
    verdict = () => undefined;
  });

  afterEach(async () => {
    await live?.close();
    live = undefined;
    await coordination.close();
  });

  const note = (event: string): void => { events.push(event); };
  async function open(): Promise<LiveDefinitions> {
    const log: Log = { ...silentLog, info: note, warn: note, error: note };
    const volumes = stores.map((definitions) => ({ definitions }));
    for (const store of stores) await store.save(PROGRAM);
    live = await LiveDefinitions.open({
      coordination, volumes, program: PROGRAM, clock, log,
      check: async (files) => {
        checked.push(files.map(({ name }) => name));
        verdict();
      },
    }, new AbortController().signal);
    return live;
  }
  async function add(file: { name: string; xml: string }): Promise<void> {
    await user.change((files) => withFiles(files, [file]));
  }
  async function until(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 200 && !condition(); i += 1) await new Promise((resolve) => { setImmediate(resolve); });
    expect(condition(), 'did not come to be').to.equal(true);
  }

  it('are none at first, and the program\'s are in force', async () => {
    expect(await user.files()).to.deep.equal([]);
    expect((await open()).current).to.equal(PROGRAM);
  });

  it('are in force in a running process once added, checked, and kept in every volume before', async () => {
    const running = await open();
    await add(OWN);
    await until(() => running.current !== PROGRAM);
    const expected = withUserFiles(PROGRAM, await user.files());
    expect(running.current).to.deep.equal(expected);
    expect(running.current.files.map(({ name }) => name)).to.deep.equal(['resilog/a.xml', 'user/own.xml']);
    expect(checked).to.deep.equal([['user/own.xml']]);
    for (const store of stores) expect(await store.load(expected.version)).to.deep.equal(expected);
    expect(events).to.include('DefinitionsInForce');
  });

  it('are there when a process starts, the same in each', async () => {
    await add(OWN);
    await add(OTHER);
    const first = (await open()).current;
    await live?.close();
    expect((await open()).current.version).to.equal(first.version);
    expect(first.files).to.have.length(3);
  });

  it('are gone after the last is removed: the program\'s set is in force again, under the version it had', async () => {
    await add(OWN);
    const running = await open();
    expect(running.current.version).to.not.equal(PROGRAM.version);
    await user.change(() => []);
    await until(() => running.current.version === PROGRAM.version);
  });

  it('stay as they are when a change can\'t be used, and the next good one is taken', async () => {
    await add(OWN);
    const running = await open();
    const former = running.current;
    verdict = () => { throw new InputError('its regular expression is bad'); };
    await add(OTHER);
    await until(() => events.includes('DefinitionsRefused'));
    expect(running.current).to.equal(former);
    verdict = () => undefined;
    await user.change((files) => files.filter(({ name }) => name === 'user/own.xml'));
    await add(OTHER);
    await until(() => running.current.files.length === 3);
  });

  it('stay as they are when the registry loses them or holds nonsense', async () => {
    await add(OWN);
    const running = await open();
    const former = running.current;
    for (const content of ['{', '{"formatVersion":9}', '{"formatVersion":1,"changedAt":"x","set":"../etc"}']) {
      events.length = 0;
      await coordination.set(paths.definitions, Buffer.from(content));
      await until(() => events.includes('DefinitionsRefused'));
      expect(running.current).to.equal(former);
    }
    events.length = 0;
    await coordination.remove(paths.definitions);
    await until(() => events.includes('DefinitionsRefused'));
    expect(running.current).to.equal(former);
  });

  it('are compiled in a thread before they are in force, and refused when that fails', async () => {
    for (const store of stores) await store.save(PROGRAM);
    const log: Log = { ...silentLog, info: note, warn: note, error: note };
    live = await LiveDefinitions.open({
      coordination, volumes: stores.map((definitions) => ({ definitions })), program: PROGRAM, clock: systemClock, log,
    }, new AbortController().signal);
    const running = live;
    const later = async (event: string): Promise<void> => {
      for (let i = 0; i < 600 && !events.includes(event); i += 1) await systemClock.sleep(50);
      expect(events).to.include(event);
    };
    await add({ name: 'bad.xml', xml: normalizerXml({ name: 'bad', text: 'B(', tags: { B: 'b' } }) });
    await later('DefinitionsRefused');
    expect(running.current).to.equal(PROGRAM);
    await user.change(() => []);
    await add(OWN);
    await later('DefinitionsInForce');
    expect(running.current.files).to.have.length(2);
  }).timeout(60_000);

  it('wait for an archive that can\'t be reached', async () => {
    const running = await open();
    const [store] = stores;
    if (store === undefined) throw new Error('no store');
    const load = store.load.bind(store);
    store.load = async () => { throw new UnavailableError('down'); };
    await new UserDefinitions({ coordination, stores: stores.slice(1), clock })
      .change((files) => withFiles(files, [OWN]));
    await until(() => events.includes('DefinitionsDelayed'));
    expect(running.current).to.equal(PROGRAM);
    store.load = load;
    await clock.advance(1_000);
    await until(() => running.current !== PROGRAM);
  });

  it('are changed by one at a time: who comes second starts from what the first stored', async () => {
    let isFirst = true;
    await user.change((files) => {
      if (isFirst) {
        isFirst = false;
        void add(OTHER);
      }
      return withFiles(files, [OWN]);
    });
    let names: readonly string[] = [];
    for (let i = 0; i < 50 && names.length < 2; i += 1) names = (await user.files()).map(({ name }) => name);
    expect([...names].sort()).to.deep.equal(['user/other.xml', 'user/own.xml']);
  });

  it('are not changed without the right to', async () => {
    coordination.set = async () => { throw new PermissionError('not allowed'); };
    const error = await add(OWN).then(() => undefined, (reason: unknown) => reason);
    expect(error).to.be.instanceOf(PermissionError);
    expect(await user.files()).to.deep.equal([]);
  });

  it('are refused under a name that is none, twice under one name, and beyond their bound', () => {
    expect(() => withFiles([], [{ name: 'a b.xml', xml: '' }])).to.throw(InputError, 'a b.xml');
    expect(() => withFiles([], [{ name: 'a.txt', xml: '' }])).to.throw(InputError, 'a.txt');
    expect(() => withFiles([], [{ name: 'x/a.xml', xml: '' }, { name: 'y/a.xml', xml: '' }]))
      .to.throw(InputError, 'same name');
    expect(() => withFiles([], [{ name: 'a.xml', xml: 'x'.repeat(5 * 1024 * 1024) }])).to.throw('characters together');
    expect(withFiles([{ name: 'user/a.xml', xml: '1' }], [{ name: 'some/a.xml', xml: '2' }]))
      .to.deep.equal([{ name: 'user/a.xml', xml: '2' }]);
  });
});
