// The command palette: Ctrl-K or Command-K opens a field that finds pages by their name, and everything else by search.
const PAUSE_MS = 120;
const PAGES = 8;

const make = (tag, attributes = {}, text = '') => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
};

class Palette extends HTMLElement {
  #newest = 0;
  #timer = null;

  connectedCallback() {
    const { label, hint } = this.dataset;
    this.dialog = make('dialog', { class: 'palette', 'aria-label': label });
    this.field = make('input', {
      type: 'search', role: 'combobox', 'aria-label': label, 'aria-expanded': 'true', 'aria-controls': 'palette-list',
      'aria-autocomplete': 'list', placeholder: hint, autocomplete: 'off', spellcheck: 'false', maxlength: '256',
    });
    this.list = make('ul', { id: 'palette-list', role: 'listbox', 'aria-label': label });
    this.dialog.append(this.field, this.list);
    this.append(this.dialog);
    document.addEventListener('keydown', (event) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      if (this.dialog.open) this.dialog.close();
      else this.open();
    });
    this.field.addEventListener('input', (event) => { if (!event.isComposing) this.#soon(); });
    this.field.addEventListener('compositionend', () => this.#soon());
    this.field.addEventListener('keydown', (event) => this.#key(event));
    this.list.addEventListener('click', (event) => this.#go(event.target.closest('li[data-href]')));
    this.dialog.addEventListener('click', (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  open() {
    this.field.value = '';
    this.#show(this.#pages(''), []);
    this.dialog.showModal();
    this.field.focus();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#find(this.field.value.trim()), PAUSE_MS);
  }

  // Pages are the links of the navigation.
  #pages(words) {
    const wanted = words.toLowerCase();
    const links = [...document.querySelectorAll('.side nav a, .tabs a')];
    const found = links.map((a) => ({ href: a.getAttribute('href'), title: a.textContent.trim(), kind: '→' }));
    return found.filter(({ title }) => title.toLowerCase().includes(wanted)).slice(0, PAGES);
  }

  async #find(words) {
    const mine = ++this.#newest;
    const pages = this.#pages(words);
    if (!words) {
      this.#show(pages, []);
      return;
    }
    let hits = [];
    try {
      const response = await fetch(`/search?${new URLSearchParams({ q: words })}`, { headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      hits = [...page.querySelectorAll('#results .hit')].map((a) => ({
        href: a.getAttribute('href'),
        title: a.querySelector('strong')?.textContent ?? '',
        kind: a.querySelector('.kind')?.textContent ?? '',
      }));
    } catch {
      // The pages can still be reached.
    }
    if (mine === this.#newest) this.#show(pages, hits);
  }

  #show(pages, hits) {
    const rows = [...pages, ...hits].map(({ href, title, kind }, at) => {
      const row = make('li', { id: `palette-${at}`, role: 'option', 'data-href': href, 'aria-selected': 'false' });
      row.append(make('span', { class: 'kind' }, kind), make('span', {}, title));
      return row;
    });
    if (!rows.length) rows.push(make('li', { class: 'dim', role: 'option', 'aria-disabled': 'true' }, this.dataset.none));
    this.list.replaceChildren(...rows);
    this.#select(0);
  }

  #rows() {
    return [...this.list.querySelectorAll('li[data-href]')];
  }

  #select(at) {
    const rows = this.#rows();
    const place = rows.length ? (at + rows.length) % rows.length : -1;
    rows.forEach((row, n) => row.setAttribute('aria-selected', String(n === place)));
    const row = rows[place];
    if (row) {
      this.field.setAttribute('aria-activedescendant', row.id);
      row.scrollIntoView({ block: 'nearest' });
    } else this.field.removeAttribute('aria-activedescendant');
  }

  #key(event) {
    if (event.isComposing) return;
    const rows = this.#rows();
    const at = rows.findIndex((row) => row.getAttribute('aria-selected') === 'true');
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1 };
    if (event.key in moves) {
      event.preventDefault();
      this.#select(moves[event.key]);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#go(rows[at]);
    }
  }

  #go(row) {
    const href = row?.dataset.href;
    // Only pages of ours.
    if (href?.startsWith('/') && !href.startsWith('//')) location.assign(href);
  }
}

export const palette = () => customElements.define('sm-palette', Palette);
