import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNormaliser, type NormaliserChain } from '../../../src/normaliser/normaliser';
import { loadDefinitions } from '../../../src/process/definitions';
import { checkout } from '../../support/checkout';
import { pylogsparserFolder } from '../../support/pylogsparser/installation';

const SAMPLES = join(checkout, 'samples');
/** Definitions that find no more than the header of any line. */
const HEADERS = /^(?:syslog|syslog-rfc5424|kubernetes-cri)-/;
/** Forms that no definition of ours or of PyLogsParser's is for: one is made up, one is for people. */
const WITHOUT_DEFINITION = new Set(['nginx-raw.log', 'squid-cache.log']);
/** Of all lines; what is left over are greetings, banners and other lines that are for people. */
const LEAST_SHARE = 0.93;

describe('real lines', function suite() {
  this.timeout(60_000);
  let chain: NormaliserChain;

  before(async () => {
    chain = createNormaliser(await loadDefinitions(join(pylogsparserFolder, 'normalizers')));
  });

  for (const name of readdirSync(SAMPLES).filter((file) => file.endsWith('.log')).sort()) {
    if (WITHOUT_DEFINITION.has(name)) continue;
    it(`of samples/${name} get more than the tags of their header, and their date`, () => {
      const lines = readFileSync(join(SAMPLES, name), 'utf8').split('\n').filter((line) => line !== '');
      const results = lines.map((text) => (
        chain.normalise({ text, receivedMs: Date.UTC(2026, 10, 22, 12), timeZone: 'UTC' })));
      const known = results.filter(({ matched }) => matched.some(({ normalizer }) => !HEADERS.test(normalizer)));
      expect(known.length / lines.length, 'share of lines that a definition knows').to.be.at.least(LEAST_SHARE);
      const dated = known.filter(({ dateMs }) => dateMs !== undefined && new Date(dateMs).getUTCFullYear() === 2026);
      expect(dated.length, 'lines with their date').to.equal(known.length);
    });
  }
});
