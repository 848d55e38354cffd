// Server-sent events. A browser opens few connections to one host, so one tab holds the stream and tells the others; when it
// goes, another takes its place and resumes after the last event that any of them saw.
import { refresh, say } from './swap.js';

const QUIET_MS = 120;
const channel = new BroadcastChannel('studymesh');
let last = null;
let timer = null;

const lamp = (state) => {
  const at = document.getElementById('lamp');
  if (!at || at.dataset.state === state) return;
  at.dataset.state = state;
  at.textContent = state === 'on' ? at.dataset.on : at.dataset.off;
  document.dispatchEvent(new CustomEvent('studymesh:lamp', { detail: state }));
};

// Several events come together; the page is read once.
const changed = () => {
  // The editor of a note keeps itself up to date.
  if (document.hidden || document.querySelector('#editor[data-ready]')) return;
  clearTimeout(timer);
  timer = setTimeout(refresh, QUIET_MS);
};

const take = (message) => {
  if (message.id) last = message.id;
  if (message.state) lamp(message.state);
  if (message.event === 'happened') {
    document.dispatchEvent(new CustomEvent('studymesh:event', { detail: message.data }));
    changed();
  }
  if (message.event === 'presence') document.dispatchEvent(new CustomEvent('studymesh:presence', { detail: message.data }));
  if (message.event === 'reset') {
    document.dispatchEvent(new CustomEvent('studymesh:event', { detail: null }));
    changed();
  }
};

const open = () => new Promise(() => {
  const since = last === null ? '' : `?since=${last}`;
  const stream = new EventSource(`/api/v1/events${since}`);
  const tell = (message) => {
    take(message);
    channel.postMessage(message);
  };
  for (const event of ['happened', 'reset', 'ready', 'presence']) {
    stream.addEventListener(event, ({ lastEventId, data }) => {
      tell({ event, id: lastEventId, state: 'on', data: JSON.parse(data) });
    });
  }
  stream.addEventListener('error', () => {
    tell({ state: 'off' });
    // A refusal ends the stream for good; a lost node is tried again by the browser itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => { stream.close(); open(); }, 5000);
  });
});

export const follow = () => {
  if (!document.querySelector('[data-live]')) return;
  channel.addEventListener('message', ({ data }) => take(data));
  // Whoever comes back to a tab that slept sees the present.
  document.addEventListener('visibilitychange', () => { if (!document.hidden) changed(); });
  if (navigator.locks) navigator.locks.request('studymesh-stream', open);
  else open();
};

export { say };
