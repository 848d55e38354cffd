// Changes of a text as a list of steps from its beginning on: a positive number keeps so many UTF-16 units, a negative one takes
// so many away, a text is put there. What is behind the last step stays. The node and this page exchange them as
// `[from, to, text]`, ascending.

const isPut = (step) => typeof step === 'string';
const length = (step) => (isPut(step) ? step.length : Math.abs(step));

const push = (steps, step) => {
  if (step === 0 || step === '') return;
  const last = steps.length - 1;
  const before = steps[last];
  if (isPut(step) && before < 0) {
    // What is put stands before what is taken away at the same place: one form for what means the same.
    if (isPut(steps[last - 1])) steps[last - 1] += step;
    else steps.splice(last, 0, step);
  } else if (isPut(step) ? isPut(before) : !isPut(before) && before > 0 === step > 0 && last >= 0) steps[last] += step;
  else steps.push(step);
};

const trimmed = (steps) => {
  while (steps[steps.length - 1] > 0) steps.pop();
  return steps;
};

// Hands steps out in pieces that are as long as asked for; behind the end everything stays.
class Reader {
  constructor(steps) {
    this.rest = [...steps].reverse();
  }

  get head() {
    return this.rest.length > 0 ? this.rest[this.rest.length - 1] : Infinity;
  }

  take(most) {
    const step = this.head;
    if (step === Infinity) return most;
    this.rest.pop();
    if (length(step) <= most) return step;
    const cut = (from, to) => (isPut(step) ? step.slice(from, to) : Math.sign(step) * (Math.min(to, length(step)) - from));
    this.rest.push(cut(most, length(step)));
    return cut(0, most);
  }

  get ended() {
    return this.rest.length === 0;
  }
}

export const fromList = (list) => {
  const steps = [];
  let at = 0;
  for (const [from, to, put] of list) {
    push(steps, from - at);
    push(steps, put);
    push(steps, from - to);
    at = to;
  }
  return trimmed(steps);
};

export const toList = (steps) => {
  const list = [];
  let at = 0;
  let open = null;
  for (const step of steps) {
    if (step > 0) {
      at += step;
      open = null;
      continue;
    }
    if (!open) list.push(open = [at, at, '']);
    if (isPut(step)) open[2] += step;
    else open[1] = at -= step;
  }
  return list;
};

// The first `most` changes, and the others as they are after those.
export const split = (steps, most) => {
  const list = toList(steps);
  if (list.length <= most) return [steps, []];
  const first = list.slice(0, most);
  const moved = first.reduce((sum, [from, to, put]) => sum + put.length - (to - from), 0);
  return [fromList(first), fromList(list.slice(most).map(([from, to, put]) => [from + moved, to + moved, put]))];
};

export const apply = (text, steps) => {
  let out = '';
  let at = 0;
  for (const step of steps) {
    if (isPut(step)) out += step;
    else if (step > 0) out += text.slice(at, at += step);
    else at -= step;
  }
  return out + text.slice(at);
};

// First some steps, then others on what came out of them: as one.
export const compose = (first, then) => {
  const out = [];
  const [a, b] = [new Reader(first), new Reader(then)];
  while (!a.ended || !b.ended) {
    if (a.head < 0) push(out, a.take(Infinity));
    else if (isPut(b.head)) push(out, b.take(Infinity));
    else {
      const most = Math.min(length(a.head), length(b.head));
      const [was, is] = [a.take(most), b.take(most)];
      if (isPut(was)) push(out, is > 0 ? was : '');
      else push(out, is);
    }
  }
  return trimmed(out);
};

// Two changes of one text: `mine` as it is after `theirs`, and `theirs` as it is after `mine`. What both put at one place stands in
// this order: theirs, mine.
export const transform = (mine, theirs) => {
  const [outMine, outTheirs] = [[], []];
  const [a, b] = [new Reader(mine), new Reader(theirs)];
  while (!a.ended || !b.ended) {
    if (isPut(b.head)) {
      push(outMine, length(b.head));
      push(outTheirs, b.take(Infinity));
    } else if (isPut(a.head)) {
      push(outTheirs, length(a.head));
      push(outMine, a.take(Infinity));
    } else {
      const most = Math.min(length(a.head), length(b.head));
      const [m, t] = [a.take(most), b.take(most)];
      if (m > 0 && t > 0) {
        push(outMine, most);
        push(outTheirs, most);
      } else if (m < 0 && t > 0) push(outMine, -most);
      else if (m > 0 && t < 0) push(outTheirs, -most);
    }
  }
  return [trimmed(outMine), trimmed(outTheirs)];
};

// What leads back to the text `before` that some steps changed.
export const invert = (steps, before) => {
  const out = [];
  let at = 0;
  for (const step of steps) {
    if (isPut(step)) push(out, -step.length);
    else if (step > 0) {
      push(out, step);
      at += step;
    } else push(out, before.slice(at, at -= step));
  }
  return trimmed(out);
};

// Where a cursor is after a change. What is put right at its place goes before it only when `behind`.
export const follow = (place, steps, behind = false) => {
  let [at, now] = [0, 0];
  for (const step of steps) {
    if (at > place || (at === place && !(isPut(step) && behind))) break;
    if (isPut(step)) now += step.length;
    else if (step > 0) {
      const kept = Math.min(step, place - at);
      now += kept;
      at += step;
      if (at > place) return now;
    } else at -= step;
  }
  return at < place ? now + place - at : now;
};

const isHigh = (unit) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit) => unit >= 0xdc00 && unit <= 0xdfff;

// The one place where two texts differ; a character of two units is never cut. Where the same could be said of several places, the
// change ends at the cursor, which is where people type.
export const difference = (before, after, cursor = after.length) => {
  if (before === after) return [];
  const most = Math.min(before.length, after.length);
  const put = Math.max(0, after.length - before.length);
  const headMost = Math.min(most, Math.max(0, cursor - put));
  let head = 0;
  while (head < headMost && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
  let tail = 0;
  while (tail < most - head
    && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail += 1;
  // What the cursor held back may still be the same.
  while (head < most - tail && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
  if (head > 0 && isHigh(before.charCodeAt(head - 1))) head -= 1;
  if (tail > 0 && isLow(before.charCodeAt(before.length - tail))) tail -= 1;
  return fromList([[head, before.length - tail, after.slice(head, after.length - tail)]]);
};
