import { readText, type SlaposNode } from './slapos-node';

/**
 * Number and start of each service of a node whose command line is chosen: the same number with another time is another
 * process.
 */
export function startedProcesses(node: SlaposNode, chosen: (command: string) => boolean): string[] {
  return [...node.services()].filter(([, command]) => chosen(command))
    .map(([pid]) => `${pid} ${readText(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ')[19] ?? ''}`).sort();
}
