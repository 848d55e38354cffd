// Puts what the server rendered anew in the place of what is shown. Regions are elements with `data-live` and an id; one that
// holds the focus of a person who types is left alone.

const typing = (region) => {
  const at = document.activeElement;
  return region.contains(at) && at.matches('input:not([type=radio], [type=checkbox], [type=submit]), textarea, [contenteditable]');
};

// The same element again, after its region was replaced.
const focusOf = (region) => {
  const at = document.activeElement;
  if (!region.contains(at)) return null;
  if (at.id) return `#${CSS.escape(at.id)}`;
  if (at.name) return `[name="${CSS.escape(at.name)}"][value="${CSS.escape(at.value)}"]`;
  const href = at.getAttribute('href');
  return href && `[href="${CSS.escape(href)}"]`;
};

export const swap = (text, url) => {
  const fresh = new DOMParser().parseFromString(text, 'text/html');
  for (const region of document.querySelectorAll('[data-live][id]')) {
    const other = fresh.getElementById(region.id);
    if (!other || region.isEqualNode(other) || typing(region)) continue;
    const focus = focusOf(region);
    for (const details of region.querySelectorAll('details[id]')) {
      const same = other.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = details.open;
    }
    const scrolled = [...region.querySelectorAll('.scroll[id]')].map((box) => [box.id, box.scrollLeft]);
    region.replaceWith(document.adoptNode(other));
    for (const [id, left] of scrolled) {
      const box = document.getElementById(id);
      if (box) box.scrollLeft = left;
    }
    if (focus) other.querySelector(focus)?.focus({ preventScroll: true });
  }
  if (url && url !== location.href) history.replaceState(null, '', url);
};

export const say = (text) => {
  const box = document.getElementById('said');
  if (box) box.textContent = text;
};

let running = null;
let again = false;

// Reads this page anew; one at a time, and once more when something happened meanwhile.
export const refresh = () => {
  if (running) {
    again = true;
    return running;
  }
  running = (async () => {
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (response.ok) swap(await response.text());
    } catch {
      // The stream says when the node is back.
    } finally {
      running = null;
      if (again) {
        again = false;
        setTimeout(refresh, 500);
      }
    }
  })();
  return running;
};
