// Where others are in a text field: a line and a name at each cursor, and their faces above. A hidden copy of the text, laid out
// alike, tells where a character stands.
import { follow } from './changes.js';

// In a longer text cursors are not drawn; the faces are.
const MAX_UNITS = 200000;
const DRAW_MS = 150;

const initials = (name) => {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (words.length === 0) return '?';
  const [first] = words[0];
  if (first.toLowerCase() === first.toUpperCase() && !/[0-9]/.test(first)) return first;
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join('');
};

// As the server colours faces.
const tint = (id) => [...new TextEncoder().encode(id)].reduce((sum, byte) => (sum * 31 + byte) % 6, 1);

export const carets = (root, field) => {
  const layer = root.querySelector('.carets');
  const here = root.querySelector('.here');
  const mirror = document.createElement('div');
  mirror.className = 'mirror';
  mirror.setAttribute('aria-hidden', 'true');
  const text = document.createTextNode('');
  mirror.append(text);
  let cursors = [];
  let timer = null;

  const place = (at) => {
    const range = document.createRange();
    range.setStart(text, Math.min(at, text.length));
    range.collapse(true);
    const [box] = range.getClientRects();
    return box ?? null;
  };

  const draw = () => {
    timer = null;
    const shown = field.value.length <= MAX_UNITS ? cursors : [];
    if (shown.length === 0) {
      layer.replaceChildren();
      mirror.remove();
      return;
    }
    if (!mirror.isConnected) layer.parentElement.append(mirror);
    mirror.style.setProperty('width', `${field.clientWidth + 2}px`);
    // A character at the end gives the last line its height.
    if (text.data !== `${field.value}\u200b`) text.data = `${field.value}\u200b`;
    const origin = mirror.getBoundingClientRect();
    layer.replaceChildren(...shown.flatMap((cursor) => {
      const box = place(cursor.to);
      if (!box) return [];
      const line = document.createElement('i');
      line.className = `caret t${tint(cursor.person_id)}`;
      const top = box.top - origin.top - field.scrollTop;
      if (top < -box.height || top > field.clientHeight) return [];
      line.style.setProperty('top', `${top}px`);
      line.style.setProperty('left', `${box.left - origin.left - 1}px`);
      line.style.setProperty('height', `${box.height}px`);
      line.toggleAttribute('data-top', top < 20);
      const name = document.createElement('span');
      name.textContent = cursor.person;
      line.append(name);
      return [line];
    }));
  };

  const later = () => { timer ??= setTimeout(draw, DRAW_MS); };

  const faces = () => {
    const people = new Map(cursors.map((cursor) => [cursor.person_id, cursor.person]));
    here.hidden = people.size === 0;
    here.replaceChildren(...[...people].map(([id, name]) => {
      const face = document.createElement('span');
      face.className = `face t${tint(id)}`;
      face.title = name;
      face.textContent = initials(name);
      return face;
    }));
  };

  field.addEventListener('scroll', later, { passive: true });
  new ResizeObserver(later).observe(field);

  return {
    set(next) {
      const before = JSON.stringify(cursors);
      cursors = next;
      if (JSON.stringify(next) === before) return;
      faces();
      later();
    },
    move(steps) {
      if (cursors.length === 0) return;
      cursors = cursors.map((cursor) => ({ ...cursor, from: follow(cursor.from, steps), to: follow(cursor.to, steps) }));
      later();
    },
  };
};
