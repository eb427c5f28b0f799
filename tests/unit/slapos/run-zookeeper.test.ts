import { expect } from 'chai';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkout, run, type Run } from '../../support/checkout';

const RENDER = 'import jinja2, json, sys\n'
  + 'e = jinja2.Environment(undefined=jinja2.StrictUndefined)\n'
  + 'print(e.from_string(open(sys.argv[1]).read()).render(**json.loads(sys.argv[2])))\n';
const BOTH = 'server.1=[::1]:1:2:participant;[::1]:3\nserver.2=[::1]:4:5:participant;[::1]:6\n';
const FIRST = 'server.1=[::1]:1:2:participant;[::1]:3\n';
const JOINING = `${FIRST}server.2=[::1]:4:5:observer;[::1]:6\n`;

/** What member 2 starts with. */
describe('run-zookeeper, in a SlapOS partition', function () {
  this.timeout(30_000);
  let folder: string;
  let script: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    const context = {
      folder, data: join(folder, 'data'), log: join(folder, 'log'), java: '/java', zookeeper: '/zookeeper', zookeeper_id: 2,
      zookeeper_heap: '64m', java_options: '', launch: 'true', ensemble: join(folder, 'ensemble'),
    };
    const { stdout, stderr } = await run(join(checkout, 'venv', 'bin', 'python'),
      ['-c', RENDER, join(checkout, 'templates', 'run-zookeeper.in'), JSON.stringify(context)]);
    expect(stderr).to.equal('');
    script = join(folder, 'run');
    writeFileSync(script, stdout);
    writeFileSync(join(folder, 'zoo.cfg'), 'tickTime=1000');
  });
  beforeEach(() => {
    rmSync(join(folder, 'data'), { recursive: true, force: true });
    mkdirSync(join(folder, 'data'));
  });
  after(() => { rmSync(folder, { recursive: true }); });

  const tell = (version: string, servers: string): void => {
    writeFileSync(join(folder, 'ensemble'), `# version=${version}\n${servers}`);
  };
  const save = (version: string, servers: string): void => {
    writeFileSync(join(folder, 'data', `zoo.cfg.dynamic.${version}`), servers);
  };
  const start = (): Promise<Run> => run('/bin/sh', [script]);
  /** Name and servers of the ensemble that it starts with. */
  const started = async (): Promise<[string, string]> => {
    const { code, stderr } = await start();
    expect(code, stderr).to.equal(0);
    const file = /^dynamicConfigFile=(.*)$/m.exec(readFileSync(join(folder, 'data', 'zoo.cfg'), 'utf8'))?.[1] ?? '';
    return [file.slice(join(folder, 'data').length + 1), readFileSync(file, 'utf8').replace(/^#.*\n/, '')];
  };

  it('is the ensemble that the cluster tells, as long as it knows none', async () => {
    tell('0', BOTH);
    expect(await started()).to.deep.equal(['zoo.cfg.dynamic', BOTH]);
    tell('10000000a', BOTH);
    expect(await started()).to.deep.equal(['zoo.cfg.dynamic.10000000a', BOTH]);
  });

  it('is the latest that it knows', async () => {
    save('9', FIRST);
    save('10000000a', BOTH);
    tell('100000009', BOTH);
    expect(await started()).to.deep.equal(['zoo.cfg.dynamic.10000000a', BOTH]);
    tell('20000000b', `${BOTH}server.3=[::1]:7:8:participant;[::1]:9\n`);
    expect((await started())[0]).to.equal('zoo.cfg.dynamic.20000000b');
  });

  it('is that of one who joins when it is not part of the latest, and never an earlier one', async () => {
    save('100000001', BOTH);
    save('100000002', FIRST);
    save('next', BOTH);
    tell('100000002', JOINING);
    expect(await started()).to.deep.equal(['zoo.cfg.dynamic', JOINING]);
    expect(() => readFileSync(join(folder, 'data', 'zoo.cfg.dynamic.next'))).to.throw('ENOENT');
  });

  it('is that of one who joins when it was taken out while it was down', async () => {
    save('100000001', BOTH);
    tell('100000002', JOINING);
    expect(await started()).to.deep.equal(['zoo.cfg.dynamic', JOINING]);
  });

  it('is its own when it has just been made a part, and the cluster does not tell so yet', async () => {
    save('100000003', BOTH);
    tell('100000002', JOINING);
    expect(await started()).to.deep.equal(['zoo.cfg.dynamic.100000003', BOTH]);
  });

  it('is none when it was taken out, and the cluster does not tell so yet', async () => {
    save('100000001', BOTH);
    save('100000002', FIRST);
    tell('100000001', BOTH);
    const { code, stderr } = await start();
    expect(code).to.equal(1);
    expect(stderr).to.include('was taken out of the ensemble');
  });
});
