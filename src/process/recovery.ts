import type { CloseFiles } from '../producer/ports';
export interface Recovery { readonly closeFiles: CloseFiles; start(): void; close(): Promise<void> }
export function createRecovery(_options: object): Recovery { throw new Error('not yet'); }
