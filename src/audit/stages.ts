import { contentStage } from './content-stage';
import type { AuditContext } from './context';
import { indexStage } from './index-stage';
import { journalStage } from './journal-stage';
import type { Stage } from './ports';
import { lettersStage, queueItemsStage, unqueuedFilesStage } from './queue-stages';
import { strayDocumentsStage, strayFilesStage } from './stray-stages';

/**
 * The parts of a round in their order: what is quick first, what reads every byte last. A round over some files only
 * leaves out what can't be said of some.
 */
export function stagesOf(context: AuditContext): readonly Stage[] {
  const { volumes, collections, scope } = context;
  const ofFiles = volumes.map((volume) => indexStage(context, volume));
  const ofContents = volumes.map((volume) => contentStage(context, volume));
  if (scope !== undefined) return [...ofFiles, ...ofContents];
  return [
    ...volumes.map((volume) => unqueuedFilesStage(context, volume)), queueItemsStage(context), lettersStage(context),
    ...volumes.map((volume) => journalStage(context, volume)),
    ...ofFiles, ...collections.map((collection) => strayDocumentsStage(context, collection)),
    ...volumes.map((volume) => strayFilesStage(context, volume)), ...ofContents,
  ];
}
