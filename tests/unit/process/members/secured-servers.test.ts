import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { CommandContext } from '../../../../src/cli/context';
import { createOutput } from '../../../../src/cli/output';
import { createProgram, runProgram } from '../../../../src/cli/program';
import { systemClock } from '../../../../src/clock';
import { addMembersCommand } from '../../../../src/process/commands/members';
import { serverTls } from '../../../support/secured-servers';

const ADMINISTRATOR = 'admin:secret';

describe('resilog members converge, with servers that ask for passwords and speak TLS', () => {
  let folder: string;
  let server: Server;
  let address: string;

  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const configuration = (solr: object): string => file('resilog.json', JSON.stringify({ zookeeper: ['[::1]:1'], solr }));
  const converge = async (...global: string[]): Promise<{ code: number; out: string; err: string }> => {
    const plan = file('plan.json', JSON.stringify({ solr: { replicas: 1, members: [{ name: 'solr-1', address }] } }));
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const output = createOutput({ stdout, stderr, environment: {} });
    const context = { clock: systemClock, output, setExitCode: () => undefined } as unknown as CommandContext;
    const state = join(folder, 'state.json');
    const flags = ['--plan', plan, '--state', state, '--tier', 'solr', '--timeout', '0s'];
    const argv = [...global, 'members', 'converge', ...flags];
    const code = await runProgram(createProgram('1.2.3', [addMembersCommand], context), argv, output);
    return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resilog-'));
    const { authority, certificate, key } = await serverTls();
    file('authority.crt', authority);
    file('credentials', ADMINISTRATOR);
    const answer = ({ headers }: IncomingMessage, response: ServerResponse): void => {
      const known = headers.authorization === `Basic ${Buffer.from(ADMINISTRATOR).toString('base64')}`;
      const cluster = { live_nodes: [`${address}_solr`], collections: {} };
      response.writeHead(known ? 200 : 401).end(JSON.stringify(known ? { cluster } : {}));
    };
    server = createServer({ key, cert: certificate }, answer);
    await new Promise<void>((resolve) => { server.listen({ host: '::1', port: 0 }, resolve); });
    address = `[::1]:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
    rmSync(folder, { recursive: true });
  });

  it('proves itself to Solr, over HTTPS', async () => {
    const config = configuration({ credentials: 'credentials', authority: 'authority.crt' });
    expect(await converge('--config', config)).to.include({ code: 0, out: 'solr: has its members\n' });
  });

  it('is refused without a password, and says so', async () => {
    expect((await converge('--config', configuration({ authority: 'authority.crt' }))).out).to.match(/^solr: .* answered 401/);
  });

  it('does not trust another authority than the configured one', async () => {
    file('authority.crt', (await serverTls({ secret: 'another cluster' })).authority);
    const config = configuration({ credentials: 'credentials', authority: 'authority.crt' });
    expect((await converge('--config', config)).out).to.match(/^solr: .*(certificate|signature)/);
  });

  it('speaks HTTP and names nobody when no configuration is named', async () => {
    expect((await converge()).out).to.match(/^solr: .*http:\/\//);
  });
});
