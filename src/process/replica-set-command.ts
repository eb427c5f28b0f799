import { MongoClient, MongoServerError, type Document } from 'mongodb';
import { mongodbAccessOptions, type MongodbAccess, type MongodbIdentity } from '../archive/mongodb-access';

const ANSWER_LIMIT_MS = 3_000;

/**
 * One command to this very member, on its database `admin`, as whom `identity` says; without a key a member's place is
 * taken by the configured user. A connection of its own: the member may be restarted between two of them.
 */
export async function replicaSetCommand(
  member: string, access: MongodbAccess | undefined, identity: MongodbIdentity, content: Document,
  limitMs = ANSWER_LIMIT_MS,
): Promise<Document> {
  const url = `mongodb://${member}/`;
  const client = new MongoClient(url, {
    ...mongodbAccessOptions(url, access, identity),
    directConnection: true, serverSelectionTimeoutMS: ANSWER_LIMIT_MS, connectTimeoutMS: ANSWER_LIMIT_MS,
    socketTimeoutMS: limitMs, maxPoolSize: 1,
  });
  try {
    return await client.db('admin').command(content);
  } finally {
    await client.close();
  }
}

/** The code of a refusal by the server; undefined when it is no such. */
export function refusalCode(error: unknown): number | undefined {
  return error instanceof MongoServerError ? Number(error.code) : undefined;
}
