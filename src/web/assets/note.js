// The editor of a note that others edit at the same time. It holds what the node has (`base` at `rev`), what is on its way there
// (`sent`) and what was typed since (`typed`). The node merges and answers with its new revision and what others changed; that is
// moved over what was typed meanwhile and shown. Nothing is shown or sent while an input method composes.
import { apply, compose, difference, follow, fromList, split, toList, transform } from './changes.js';
import { carets } from './carets.js';
import { Undo } from './undo.js';

// Keystrokes of this time go out together: one entry of the log.
const GATHER_MS = 400;
// Whoever writes here says so this often; the node forgets a cursor after ten seconds.
const PRESENT_MS = 4000;
const CURSOR_MS = 600;
const RETRY_MS = 1000;
// If no word comes of what happens, this looks.
const LOOK_MS = 10000;
const PREVIEW_MS = 250;
// Half of what the node takes at once.
const MOST_CHANGES = 1000;
const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

// A text field knows one kind of line end.
const lineEnds = (text) => fromList([...text.matchAll(/\r\n?/g)].map((found) => [found.index, found.index + found[0].length, '\n']));

class Editor {
  constructor(root) {
    this.root = root;
    this.field = root.querySelector('textarea');
    this.status = root.querySelector('.state');
    this.path = `/api/v1/groups/${root.dataset.group}/notes/${root.dataset.note}/live`;
    this.key = `studymesh note ${root.dataset.note}`;
    this.carets = carets(root, this.field);
    this.undo = new Undo();
    this.rev = null;
    this.base = '';
    this.shown = '';
    this.sent = null;
    this.typed = [];
    this.again = false;
    this.busy = false;
    this.composing = false;
    this.arrived = null;
    this.wanted = false;
    // Nothing is sent: it was not taken as it is, or it is line ends alone.
    this.refused = false;
    this.idle = false;
    this.told = { at: 0, cursor: null };
  }

  async open() {
    const field = this.field;
    field.readOnly = true;
    const draft = this.unsent();
    if (draft) {
      // What was under way may have arrived; what was typed after it did not.
      Object.assign(this, { ...draft, again: draft.sent !== null });
      this.show(apply(draft.base, compose(draft.sent ?? [], draft.typed)));
    } else {
      try {
        await this.load();
      } catch {
        // Without the node the form is as good.
        field.readOnly = false;
        return;
      }
    }
    field.readOnly = false;
    this.root.dataset.ready = '';
    this.listen();
    this.say(draft ? 'saving' : 'saved');
    if (draft) await this.exchange();
    this.look();
  }

  listen() {
    const field = this.field;
    field.addEventListener('input', () => { if (!this.composing) this.take(); });
    field.addEventListener('compositionstart', () => { this.composing = true; });
    field.addEventListener('compositionend', () => {
      // Some browsers put the text in place only after this.
      setTimeout(() => {
        this.composing = false;
        this.take();
        const { arrived } = this;
        this.arrived = null;
        if (arrived) arrived();
        this.soon(GATHER_MS);
      });
    });
    field.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.exchange();
    });
    field.addEventListener('keydown', (event) => {
      if (this.composing || event.altKey || !(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key === 's') this.exchange();
      else if (key === 'z') this.turn(event.shiftKey);
      else if (key === 'y') this.turn(true);
      else return;
      event.preventDefault();
    });
    field.addEventListener('beforeinput', (event) => {
      if (event.inputType !== 'historyUndo' && event.inputType !== 'historyRedo') return;
      event.preventDefault();
      this.turn(event.inputType === 'historyRedo');
    });
    document.addEventListener('selectionchange', () => {
      if (document.activeElement === field) this.soon(CURSOR_MS);
    });
    document.addEventListener('studymesh:event', ({ detail }) => {
      if (detail === null) this.pull();
      // What this page wrote itself is no news.
      else if (detail.group_id === this.root.dataset.group && !this.rev.includes(detail.data?.entry_id)) this.pull();
    });
    document.addEventListener('studymesh:presence', ({ detail }) => {
      if (detail.group_id === this.root.dataset.group) this.pull();
    });
    document.addEventListener('studymesh:lamp', ({ detail }) => { if (detail === 'on') this.pull(); });
    window.addEventListener('online', () => this.pull());
    window.addEventListener('pagehide', () => this.leave());
    setInterval(() => this.look(), PRESENT_MS);
  }

  // What the person changed since this was last looked at.
  take() {
    const value = this.field.value;
    if (value === this.shown) return;
    const steps = difference(this.shown, value, this.field.selectionEnd);
    this.typed = compose(this.typed, steps);
    this.undo.typed(steps, this.shown);
    this.shown = value;
    this.refused = false;
    this.idle = false;
    this.carets.move(steps);
    this.soon(GATHER_MS);
    this.say('saving');
    this.preview();
  }

  // Undoes the person's last change, or makes it anew.
  turn(forth) {
    this.take();
    const steps = this.undo.step(forth, this.shown);
    if (steps === null) return;
    this.typed = compose(this.typed, steps);
    this.show(apply(this.shown, steps));
    const place = follow(toList(steps).at(-1)[1], steps, true);
    this.field.setSelectionRange(place, place);
    this.carets.move(steps);
    this.idle = false;
    this.refused = false;
    this.soon(GATHER_MS);
    this.say('saving');
  }

  // Shows a text; what the field changes of it by itself is as if it was typed.
  show(text) {
    this.field.value = text;
    const ends = lineEnds(text);
    if (ends.length > 0) this.typed = compose(this.typed, ends);
    this.shown = ends.length > 0 ? apply(text, ends) : text;
    this.preview();
  }

  // Shows what others changed; the cursor stays beside the characters that it stood beside.
  follow(steps) {
    if (steps.length === 0) return;
    const field = this.field;
    const { selectionStart, selectionEnd, selectionDirection, scrollTop } = field;
    this.undo.others(steps);
    this.show(apply(this.shown, steps));
    const from = follow(selectionStart, steps);
    field.setSelectionRange(from, Math.max(from, follow(selectionEnd, steps)), selectionDirection);
    field.scrollTop = scrollTop;
    this.carets.move(steps);
  }

  // An exchange within this time; an earlier one that is planned stays.
  soon(ms) {
    const at = performance.now() + ms;
    if (this.timer && this.at <= at) return;
    clearTimeout(this.timer);
    this.at = at;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.exchange();
    }, ms);
  }

  // Something happened in the group.
  pull() {
    this.wanted = true;
    this.soon(0);
  }

  look() {
    if (performance.now() - this.told.at > (this.isHere() ? PRESENT_MS : LOOK_MS) - 500) this.pull();
  }

  isHere() {
    return document.activeElement === this.field && document.hasFocus();
  }

  cursor() {
    return this.isHere() ? [this.field.selectionStart, this.field.selectionEnd] : null;
  }

  // One exchange with the node at a time.
  async exchange() {
    if (this.busy) {
      this.wanted = true;
      return;
    }
    if (this.composing) return;
    this.take();
    const cursor = this.cursor();
    const moved = cursor && String(cursor) !== String(this.told.cursor);
    const stale = cursor && performance.now() - this.told.at > PRESENT_MS - 500;
    const isWrite = !this.refused && !this.idle && (this.sent !== null || this.typed.length > 0);
    if (!isWrite && !moved && !stale && !this.wanted) return;
    this.busy = true;
    this.wanted = false;
    if (isWrite && this.sent === null) {
      [this.sent, this.typed] = split(this.typed, MOST_CHANGES);
    }
    let wait = null;
    try {
      const answer = isWrite || moved || stale ? await this.push(cursor) : await this.ask(`?since=${this.rev.join(',')}`);
      this.told = { at: performance.now(), cursor: cursor ?? this.told.cursor };
      // What comes while an input method composes waits for its end.
      if (this.composing) await new Promise((resolve) => { this.arrived = resolve; });
      this.merge(answer);
      this.again = false;
      this.forget();
      this.say(this.refused ? 'refused' : this.typed.length > 0 && !this.idle ? 'saving' : 'saved');
    } catch (error) {
      wait = await this.failed(error);
    }
    this.busy = false;
    if (wait !== null) this.soon(wait);
    else if (this.typed.length > 0 && !this.refused && !this.idle) this.soon(GATHER_MS);
    else if (this.wanted) this.soon(0);
  }

  push(cursor) {
    const body = { rev: this.rev, changes: toList(this.sent ?? []), again: this.again };
    // Only a cursor in what the node knows after this can be shown to others.
    if (cursor && (this.typed.length === 0 || this.idle)) [body.cursor_from, body.cursor_to] = cursor;
    return this.ask('', { method: 'POST', body: JSON.stringify(body) });
  }

  async ask(more, options = {}) {
    const response = await fetch(this.path + more, { headers: HEADERS, signal: AbortSignal.timeout(20000), ...options });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.detail), { code: answer.code, status: response.status });
    return answer;
  }

  merge(answer) {
    const theirs = fromList(answer.changes);
    this.base = apply(apply(this.base, this.sent ?? []), theirs);
    this.sent = null;
    this.rev = answer.rev;
    this.root.dataset.rev = answer.rev.join(',');
    // Whatever was typed while the answer came.
    this.take();
    const [typed, moved] = transform(this.typed, theirs);
    this.typed = typed;
    this.follow(moved);
    // A cursor that others' words moved has not moved.
    if (this.told.cursor) this.told.cursor = this.told.cursor.map((at) => follow(at, moved));
    this.carets.set(answer.cursors.map((cursor) => ({
      ...cursor, from: follow(cursor.from, this.typed), to: follow(cursor.to, this.typed),
    })));
  }

  // When to try again, or never.
  async failed(error) {
    if (error.code === 'not_found' && this.rev) {
      try {
        return await this.rebase();
      } catch {
        // It is as if the node did not answer.
      }
    }
    this.again = this.sent !== null;
    if (error.status >= 400 && error.status < 500 && error.status !== 429 && error.status !== 409 && error.code !== 'not_permitted') {
      // It will not be taken as it is: it goes back to what was typed, and waits for the person to change it.
      if (this.sent) this.typed = compose(this.sent, this.typed);
      this.sent = null;
      this.again = false;
      this.refused = true;
      this.say('refused', error.message);
      return null;
    }
    this.keep();
    this.say(error.code === 'not_permitted' ? 'refused' : 'offline', error.code === 'not_permitted' ? error.message : '');
    this.wanted = true;
    return RETRY_MS;
  }

  // The node does not know the revision any more: what was typed moves to the text that it has.
  async rebase() {
    const [base, mine] = [this.base, compose(this.sent ?? [], this.typed)];
    const answer = await this.ask('');
    const [typed] = transform(mine, difference(base, answer.text));
    Object.assign(this, { rev: answer.rev, base: answer.text, sent: null, typed, again: false });
    this.show(apply(answer.text, typed));
    return 0;
  }

  async load() {
    const answer = await this.ask('');
    this.rev = answer.rev;
    this.base = answer.text;
    this.root.dataset.rev = answer.rev.join(',');
    this.show(answer.text);
    this.carets.set(answer.cursors);
    this.idle = this.typed.length > 0;
  }

  say(state, more = '') {
    if (this.root.dataset.state === state && !more) return;
    this.root.dataset.state = state;
    const bad = state === 'offline' || state === 'refused';
    this.status.toggleAttribute('data-bad', bad);
    this.status.textContent = [this.root.dataset[state === 'saved' ? 'saved' : state], more].filter(Boolean).join(' ');
  }

  // What the node does not have yet stays in this browser.
  keep() {
    const { rev, base, sent, typed } = this;
    if ((sent === null && typed.length === 0) || !rev || this.refused || this.idle) return;
    try {
      localStorage.setItem(this.key, JSON.stringify({ rev, base, sent, typed }));
    } catch {
      // There is no room: it stays in this page.
    }
  }

  forget() {
    if (this.sent === null && this.typed.length === 0) localStorage.removeItem(this.key);
  }

  unsent() {
    try {
      const draft = JSON.parse(localStorage.getItem(this.key));
      localStorage.removeItem(this.key);
      const isWhole = Array.isArray(draft?.rev) && Array.isArray(draft.typed) && typeof draft.base === 'string';
      return isWhole ? { rev: draft.rev, base: draft.base, sent: draft.sent, typed: draft.typed } : null;
    } catch {
      return null;
    }
  }

  leave() {
    this.take();
    this.keep();
    if (!this.rev) return;
    const body = JSON.stringify({ rev: this.rev, changes: [], left: true });
    fetch(this.path, { method: 'POST', headers: HEADERS, body, keepalive: true }).catch(() => {});
  }

  preview() {
    clearTimeout(this.previewing);
    this.previewing = setTimeout(async () => {
      const text = this.shown;
      try {
        const path = `/groups/${this.root.dataset.group}/notes/preview`;
        const response = await fetch(path, { method: 'POST', body: new URLSearchParams({ text }) });
        if (!response.ok || this.shown !== text) return;
        const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
        document.getElementById('preview').replaceChildren(...fresh.body.childNodes);
      } catch {
        // The next change tries again.
      }
    }, PREVIEW_MS);
  }
}

export const edit = () => {
  const root = document.getElementById('editor');
  if (root) new Editor(root).open();
};
