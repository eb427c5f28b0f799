import { InputError } from '../errors';

/** Where in a definition file something is. */
export interface DefinitionPlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Name of the XML element, e.g. `pattern`. */
  readonly element: string;
}

/** A definition that cannot be used. The message names file, line and element; `remedy` says what to change. */
export class DefinitionError extends InputError {
  override readonly code = 'bad-definition';
  readonly place: DefinitionPlace;

  constructor(place: DefinitionPlace, problem: string, remedy: string, cause?: unknown) {
    super(`${place.file}:${place.line}: <${place.element}>: ${problem}`, { remedy, cause });
    this.place = place;
  }
}
