import { InputError, UnavailableError } from '../errors';
import type { IndexDocument, Refusal } from './ports';
import type { SolrClient } from './solr-client';
import { solrDocument } from './solr-document';

interface Encoded {
  readonly id: string;
  readonly json: string;
}

/**
 * Sends a batch. When Solr refuses it (400) the batch is halved until the documents that are refused stand alone; all
 * the others are in. Solr may have taken part of a refused batch: ids are deterministic, so sending it again is safe.
 */
export async function addDocuments(
  client: SolrClient, collection: string, documents: readonly IndexDocument[], searchableWithinMs?: number,
): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  const encoded: Encoded[] = [];
  for (const document of documents) {
    try {
      encoded.push({ id: document.id, json: solrDocument(document) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      refusals.push({ id: document.id, reason: error.message });
    }
  }
  const waiting: (readonly Encoded[])[] = encoded.length === 0 ? [] : [encoded];
  for (let batch = waiting.pop(); batch !== undefined; batch = waiting.pop()) {
    const reason = await sendBatch(client, collection, batch, searchableWithinMs);
    if (reason === undefined) continue;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      refusals.push({ id: only.id, reason });
      continue;
    }
    const half = Math.ceil(batch.length / 2);
    waiting.push(batch.slice(half), batch.slice(0, half));
  }
  return refusals;
}

/** Solr says 400 also to some of its own troubles: lines must not be set aside for them. */
const CLUSTER_PROBLEM = /^(?:Could not find collection|Collection not found|No such (?:core|collection)|No active (?:slice|replica|leader))/i;

/** Undefined when all documents are in, else why Solr refused. */
async function sendBatch(
  client: SolrClient, collection: string, batch: readonly Encoded[], searchableWithinMs: number | undefined,
): Promise<string | undefined> {
  try {
    await client.request({
      path: `/${collection}/update`,
      // Solr joins the commits that many clients ask for; commits of their own would each open searchers everywhere.
      query: { wt: 'json', ...(searchableWithinMs !== undefined && { commitWithin: String(searchableWithinMs) }) },
      body: { type: 'application/json', data: `[${batch.map(({ json }) => json).join(',')}]` },
      effect: 'write',
    });
    return undefined;
  } catch (error) {
    if (error instanceof InputError && !CLUSTER_PROBLEM.test(error.message)) return error.message;
    if (error instanceof InputError) throw new UnavailableError(error.message, { cause: error });
    throw error;
  }
}
