"""Posts documents with pysolr: pysolr_load.py URL FILE BATCH THREADS.

URL is a collection's, FILE has a document in JSON a line. Prints the seconds until the last one was acknowledged and
the seconds of computing, once all was read.
"""
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pysolr


def main(url, path, batch, threads):
    with open(path, encoding='utf-8') as lines:
        documents = [json.loads(line) for line in lines]
    batches = [documents[start:start + batch] for start in range(0, len(documents), batch)]

    def post(some):
        solr.add(some, commit=False)

    solr = pysolr.Solr(url, always_commit=False, timeout=60)
    started, computed = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(post, batches):
            pass
    print(time.perf_counter() - started, time.process_time() - computed)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
