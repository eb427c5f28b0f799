'use strict';
// Loaded into each Node process of a host whose clock faults may step: its time of day is off by the milliseconds in the
// file that RESILOG_CHAOS_CLOCK names, while time that only passes stays what it is, as when an operator sets the clock.
const { readFileSync } = require('node:fs');

const file = process.env.RESILOG_CHAOS_CLOCK;
const TrueDate = Date;
let offsetMs = 0;

const look = () => {
  try {
    offsetMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    offsetMs = 0;
  }
};

if (file !== undefined) {
  class SteppedDate extends TrueDate {
    constructor(...args) {
      if (args.length === 0) super(SteppedDate.now());
      else super(...args);
    }

    static now() {
      return TrueDate.now() + offsetMs;
    }
  }
  look();
  setInterval(look, 250).unref();
  globalThis.Date = SteppedDate;
}
