import { expect } from 'chai';
import { UnavailableError } from '../../src/errors';
import { createLog } from '../../src/log';
import { ManualClock } from '../support/manual-clock';

describe('the log', () => {
  let lines: string[];
  const open = (): ReturnType<typeof createLog> => createLog({
    clock: new ManualClock(), level: 'debug', fields: { process: 'test' }, write: (line) => { lines.push(line); },
  });

  beforeEach(() => {
    lines = [];
  });

  it('is one JSON object a line, with errors and their causes', () => {
    open().warn('ThingFailed', { error: new UnavailableError('down', { cause: new Error('reset') }) });
    expect(lines).to.have.length(1);
    expect(JSON.parse(lines[0] ?? '')).to.deep.include({
      level: 'warn', event: 'ThingFailed', process: 'test',
      error: { name: 'UnavailableError', message: 'down', cause: { name: 'Error', message: 'reset' } },
    });
  });

  it('never shows a key, wherever an error names its node', () => {
    const key = 'ab'.repeat(32);
    open().error('SourceNotUnderstood', {
      path: `/Authentification/${key}`, error: new Error(`get /Authentification/${key}: no answer`),
    });
    expect(lines[0]).not.to.contain(key);
    expect(lines[0]).to.contain('/Authentification/abababab');
  });
});
