// Undoing one's own changes, and only those, while others change the same text. A browser's own undo forgets everything whenever a
// script changes the field.
import { compose, invert, transform } from './changes.js';

// Keystrokes that follow each other this closely are undone together.
const TOGETHER_MS = 700;
const MOST = 200;

export class Undo {
  constructor() {
    this.back = [];
    this.forth = [];
    this.at = 0;
    this.open = false;
  }

  // The person changed the text `before`.
  typed(steps, before) {
    const inverse = invert(steps, before);
    const now = performance.now();
    if (this.open && now - this.at < TOGETHER_MS) this.back.push(compose(inverse, this.back.pop()));
    else this.back.push(inverse);
    if (this.back.length > MOST) this.back.shift();
    this.forth = [];
    this.at = now;
    this.open = true;
  }

  // Others changed it: what would be undone moves along.
  others(steps) {
    this.open = false;
    for (const stack of [this.back, this.forth]) {
      let theirs = steps;
      for (let n = stack.length - 1; n >= 0; n -= 1) [stack[n], theirs] = transform(stack[n], theirs);
    }
  }

  // The change that undoes the last one, or makes what was undone anew; nothing when there is none.
  step(forth, text) {
    const [from, to] = forth ? [this.forth, this.back] : [this.back, this.forth];
    this.open = false;
    while (from.length > 0) {
      const steps = from.pop();
      // What others took away meanwhile leaves nothing to undo.
      if (steps.length > 0) {
        to.push(invert(steps, text));
        return steps;
      }
    }
    return null;
  }
}
