/** Work was stopped: the fence was lost, archive or index is out of reach, or the consumer closes. */
export class StoppedError extends Error {}
