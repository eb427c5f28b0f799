import { expect } from 'chai';
import { LineLog } from '../../../src/normaliser/line-log';

const entries = (log: LineLog): Record<string, unknown> => Object.fromEntries(log);

describe('LineLog', () => {
  it('holds what was set last, and nothing that was deleted', () => {
    const log = new LineLog([['raw', 'a line']]);
    log.set('user', 'ann');
    log.set('user', 'bob');
    log.set('port', 22);
    log.delete('port');
    log.delete('never there');
    expect(entries(log)).to.deep.equal({ raw: 'a line', user: 'bob' });
    expect([log.has('port'), log.get('port'), log.has('user')]).to.deep.equal([false, undefined, true]);
    log.set('port', 23);
    expect(entries(log)).to.deep.equal({ raw: 'a line', user: 'bob', port: 23 });
  });

  it('tells the same in both ways of going through it', () => {
    const log = new LineLog([['a', '1'], ['b', 2], ['c', '3']]);
    log.delete('b');
    const seen: [string, unknown][] = [];
    log.forEach((value, tag) => { seen.push([tag, value]); });
    expect(seen).to.deep.equal([...log]);
  });

  for (const others of [0, 28, 100]) {
    it(`takes back all that came after \`begin\`, with ${others} tags besides`, () => {
      const log = new LineLog(Array.from({ length: others }, (_, index) => [`tag${index}`, index] as const));
      log.set('kept', 'first');
      log.set('gone', 'before');
      log.delete('gone');
      const before = entries(log);
      log.begin();
      log.set('kept', 'second');
      log.delete('kept');
      log.set('kept', 'third');
      log.set('gone', 'again');
      for (let index = 0; index < 40; index += 1) log.set(`new${index}`, index);
      log.delete('new7');
      log.undo();
      expect(entries(log)).to.deep.equal(before);
      expect(log.has('new3')).to.equal(false);
      log.set('new3', 'once more');
      expect(log.get('new3')).to.equal('once more');
      expect(log.get('tag5')).to.equal(others > 5 ? 5 : undefined);
    });
  }

  for (const others of [3, 100]) {
    it(`forgets a line of ${others} tags for the next one`, () => {
      const log = new LineLog(Array.from({ length: others }, (_, index) => [`tag${index}`, index] as const));
      log.begin();
      log.set('tag1', 'changed');
      log.clear();
      expect(entries(log)).to.deep.equal({});
      expect(log.has('tag0')).to.equal(false);
      log.set('tag2', 'new');
      log.undo();
      expect(entries(log), 'nothing of the former line comes back').to.deep.equal({});
      log.set('a', 1);
      log.set('b', 2);
      expect(entries(log)).to.deep.equal({ a: 1, b: 2 });
    });
  }

  it('takes back nothing that came before the last `begin`', () => {
    const log = new LineLog();
    log.begin();
    log.set('a', 1);
    log.begin();
    log.set('a', 2);
    log.undo();
    expect(entries(log)).to.deep.equal({ a: 1 });
  });
});
