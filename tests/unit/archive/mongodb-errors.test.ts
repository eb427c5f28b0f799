import { expect } from 'chai';
import {
  MongoNetworkError, MongoNetworkTimeoutError, MongoServerError, MongoServerSelectionError, MongoWriteConcernError,
  type TopologyDescription,
} from 'mongodb';
import { translate, verdictOf } from '../../../src/archive/mongodb-errors';
import {
  ConflictError, FencedError, InputError, LimitError, UnavailableError, UnknownOutcomeError,
} from '../../../src/errors';

function server(code: number): MongoServerError {
  return new MongoServerError({ message: 'refused', code });
}

function named(name: string): Error {
  return Object.defineProperty(new MongoNetworkError('the pool was cleared'), 'name', { value: name });
}

const writeConcern = new MongoWriteConcernError({
  writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' }, ok: 1,
});

describe('verdicts on errors of MongoDB', () => {
  const cases: readonly (readonly [name: string, error: unknown, expected: unknown])[] = [
    ['no server could be selected', new MongoServerSelectionError('none', {} as TopologyDescription), UnavailableError],
    ['the connection broke', new MongoNetworkError('reset'), UnknownOutcomeError],
    ['the socket timed out', new MongoNetworkTimeoutError('slow'), UnknownOutcomeError],
    ['not on a majority in time (schedule 7)', writeConcern, UnknownOutcomeError],
    ['not the primary', server(10107), UnavailableError],
    ['stepped down meanwhile', server(189), UnknownOutcomeError],
    ['the server ran out of time', server(50), UnknownOutcomeError],
    ['an unknown code', server(99_999), UnknownOutcomeError],
    ['a unique key exists', server(11000), ConflictError],
    ['another transaction is at it', server(112), UnavailableError],
    ['too large for the server', server(10334), LimitError],
    ['too large for the driver (schedule 30)', Object.assign(new RangeError('x'), { code: 'ERR_OUT_OF_RANGE' }), LimitError],
    ['a bad value', server(2), InputError],
    ['a defect of ours', new TypeError('undefined is not a function'), TypeError],
    ['one of our own errors', new FencedError('old claim'), FencedError],
  ];
  for (const [name, error, expected] of cases) {
    it(name, () => {
      expect(translate(error, 'test', 'possible')).to.be.instanceOf(expected);
    });
  }

  it('a pool that was cleared before sending is definite, one that was cleared during it is not', () => {
    expect(verdictOf(named('MongoPoolClearedError'))).to.equal('definite');
    expect(verdictOf(named('PoolClearedOnNetworkError'))).to.equal('unknown');
  });

  it('nothing about a read is unknown', () => {
    expect(translate(new MongoNetworkError('reset'), 'test', 'none')).to.be.instanceOf(UnavailableError);
  });
});
