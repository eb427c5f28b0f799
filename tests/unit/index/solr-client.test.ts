import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { systemClock } from '../../../src/clock';
import {
  InputError, NotFoundError, PermissionError, UnavailableError, UnknownOutcomeError,
} from '../../../src/errors';
import { addDocuments } from '../../../src/index/solr-add';
import { createSolrClient, type SolrClient, type SolrRequest } from '../../../src/index/solr-client';
import type { IndexDocument } from '../../../src/index/ports';
import { doubtingClient } from '../../../src/index/solr-cluster';

describe('Solr client', () => {
  const servers: Server[] = [];
  const clients: SolrClient[] = [];

  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => { server.listen(0, '::1', resolve); });
    return `http://[::1]:${String((server.address() as AddressInfo).port)}/solr`;
  };
  const answer = (status: number, body: string): RequestListener => (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  };
  const refusedAddress = async (): Promise<string> => {
    const url = await serve(answer(200, '{}'));
    const server = servers.pop();
    await new Promise((resolve) => { server?.close(resolve); });
    return url;
  };
  const clientFor = (...urls: string[]): SolrClient => {
    const client = createSolrClient({ baseUrls: () => urls, clock: systemClock, requestTimeoutMs: 200 });
    clients.push(client);
    return client;
  };
  const failure = async (client: SolrClient, request: Partial<SolrRequest> = {}): Promise<unknown> =>
    client.request({ path: '/x', effect: 'write', ...request }).then(() => undefined, (error: unknown) => error);

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    }
  });

  it('tells what was certainly not done from what nobody knows', async () => {
    expect(await failure(clientFor(await refusedAddress()))).to.be.instanceOf(UnavailableError);
    const silent = clientFor(await serve(() => undefined));
    expect(await failure(silent)).to.be.instanceOf(UnknownOutcomeError);
    expect(await failure(silent, { effect: 'read' })).to.be.instanceOf(UnavailableError);
    const broken = clientFor(await serve((request) => { request.socket.destroy(); }));
    expect(await failure(broken)).to.be.instanceOf(UnknownOutcomeError);
    const cut = clientFor(await serve((_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"responseHeader":');
      response.socket?.end();
    }));
    expect(await failure(cut)).to.be.instanceOf(UnknownOutcomeError);
    expect(await failure(clientFor(await serve(answer(200, 'not json'))))).to.be.instanceOf(UnknownOutcomeError);
    expect(await failure(clientFor())).to.be.instanceOf(UnavailableError);
  });

  it('gives each status its meaning, with the message of Solr', async () => {
    const body = '{"error":{"msg":"undefined field x","code":400}}';
    const refusal = await failure(clientFor(await serve(answer(400, body))));
    expect(refusal).to.be.instanceOf(InputError).with.property('message', 'undefined field x');
    expect(await failure(clientFor(await serve(answer(404, '<html>no</html>'))))).to.be.instanceOf(NotFoundError);
    expect(await failure(clientFor(await serve(answer(401, ''))))).to.be.instanceOf(PermissionError);
    for (const status of [429, 500, 503]) {
      expect(await failure(clientFor(await serve(answer(status, '{}'))))).to.be.instanceOf(UnavailableError);
    }
  });

  it('does not take a node that is starting for a cluster without the collection', async () => {
    const starting = clientFor(await serve(answer(404, '<html>Not Found</html>')));
    expect(await failure(starting, { path: '/admin/collections' })).to.be.instanceOf(UnavailableError);
    expect(await failure(doubtingClient(starting), { path: '/logs/update' })).to.be.instanceOf(UnavailableError);
    const started = (collections: object) => serve((request, response) => {
      if (request.url?.includes('CLUSTERSTATUS')) response.end(JSON.stringify({ cluster: { collections, live_nodes: [] } }));
      else response.writeHead(404).end('<html>Not Found</html>');
    });
    const loading = doubtingClient(clientFor(await started({ logs: { configName: 'x', shards: {} } })));
    expect(await failure(loading, { path: '/logs/update' })).to.be.instanceOf(UnavailableError);
    const without = doubtingClient(clientFor(await started({})));
    expect(await failure(without, { path: '/logs/update' })).to.be.instanceOf(NotFoundError);
  });

  it('goes to the next node when one is down, and stays there', async () => {
    let requests = 0;
    const up = await serve((_, response) => {
      requests += 1;
      response.end('{"ok":true}');
    });
    const client = clientFor(await refusedAddress(), await serve(answer(503, '{}')), up);
    for (let i = 0; i < 3; i += 1) {
      expect(await client.request({ path: '/x', effect: 'read' })).to.deep.equal({ ok: true });
    }
    expect(requests).to.equal(3);
  });

  it('does not send a write anywhere else when its outcome is unknown', async () => {
    let requests = 0;
    const other = await serve((_, response) => {
      requests += 1;
      response.end('{}');
    });
    expect(await failure(clientFor(await serve(() => undefined), other))).to.be.instanceOf(UnknownOutcomeError);
    expect(requests).to.equal(0);
  });

  it('sends credentials, parameters and forms as they are', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      request.on('end', () => {
        seen.push(request.url ?? '', request.headers.authorization ?? '', body);
        response.end('{}');
      });
    });
    const client = createSolrClient({
      baseUrls: () => [`${url}/`], clock: systemClock, access: { credentials: { user: 'u', password: 'p:é' } },
    });
    clients.push(client);
    await client.request({ path: '/logs/select', query: { a: 'b&c' }, form: [['fq', 'x&y'], ['fq', 'z']], effect: 'read' });
    expect(seen).to.deep.equal([
      '/solr/logs/select?a=b%26c', `Basic ${Buffer.from('u:p:é').toString('base64')}`, 'fq=x%26y&fq=z',
    ]);
  });

  it('sets no line aside for troubles of the cluster', async () => {
    const url = await serve(answer(400, '{"error":{"msg":"Could not find collection : logs","code":400}}'));
    const document: IndexDocument = {
      id: 'f!0', fileId: 'f', line: 0, sourceId: 's', source: 's', dateMs: 0, receivedMs: 0, text: '', truncated: false,
      found: '', definitions: '',
    };
    const error = await addDocuments(clientFor(url), 'logs', [document]).then(() => undefined, (thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(UnavailableError);
  });

  it('finds the documents that are refused by halving the batch', async () => {
    const batches: number[] = [];
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      request.on('end', () => {
        const documents = JSON.parse(body) as { line: number }[];
        batches.push(documents.length);
        const bad = documents.find(({ line }) => line === 3 || line === 99);
        if (bad === undefined) response.end('{}');
        else response.writeHead(400).end(JSON.stringify({ error: { msg: `bad line ${String(bad.line)}` } }));
      });
    });
    const documents = Array.from({ length: 100 }, (_, line): IndexDocument => ({
      id: `f!${String(line)}`, fileId: 'f', line, sourceId: 's', source: 's', dateMs: line === 50 ? NaN : 0, receivedMs: 0,
      text: '', truncated: false, found: '', definitions: '',
    }));
    const refusals = await addDocuments(clientFor(url), 'logs', documents);
    expect(refusals.map(({ id, reason }) => [id, reason])).to.deep.equal([
      ['f!50', 'NaN ms since the epoch is not a date.'], ['f!3', 'bad line 3'], ['f!99', 'bad line 99'],
    ]);
    expect(batches[0]).to.equal(99);
    expect(batches.length).to.be.lessThan(32);
    expect(await addDocuments(clientFor(url), 'logs', [])).to.deep.equal([]);
  });
});
