// Search as you type: a form that reads (`data-search` names the region of its results) is sent while its person types, and the
// regions are put in place. An input method that composes is waited for.
import { swap } from './swap.js';

const PAUSE_MS = 120;
let newest = 0;

const addressOf = (form) => {
  const url = new URL(form.action);
  const pairs = [...new FormData(form)].filter(([, value]) => value !== '');
  url.search = new URLSearchParams(pairs).toString();
  return url;
};

const send = async (form) => {
  const mine = ++newest;
  const url = addressOf(form);
  try {
    const response = await fetch(url, { headers: { accept: 'text/html' } });
    const text = await response.text();
    // A slower answer to an older question comes too late.
    if (mine === newest && response.ok) swap(text, url.href);
  } catch {
    // The form can still be sent as forms are.
  }
};

export const searchAsYouType = () => {
  for (const form of document.querySelectorAll('form[data-search]')) {
    let timer = null;
    const soon = (event) => {
      if (event.isComposing) return;
      clearTimeout(timer);
      timer = setTimeout(() => send(form), PAUSE_MS);
    };
    form.addEventListener('input', soon);
    form.addEventListener('compositionend', () => soon({ isComposing: false }));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      clearTimeout(timer);
      send(form);
    });
  }
};
