import { channel } from 'node:diagnostics_channel';

/** Where the tests of crashes listen. Nothing in the program does, and no setting can make it. */
export const FAULT_POINT_CHANNEL = 'resilog:fault-point';

const points = channel(FAULT_POINT_CHANNEL);

/**
 * Names a place between two durable effects, where a process may die. A channel that nobody listens to does nothing at
 * all: a test that ends a simulated process here subscribes to it from its own code. Every durable effect is followed
 * by a point of its own name, which tests/simulation/crash-matrix.test.ts reads from the sources.
 */
export function faultPoint(name: string): void {
  points.publish(name);
}
