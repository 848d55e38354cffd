// Forms with `data-enhance` are sent in the background; the answer is the page that the browser would have shown.
import { say, swap } from './swap.js';

const submit = async (form, submitter) => {
  const body = new URLSearchParams(new FormData(form, submitter));
  form.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(form.action, { method: 'POST', body });
    const text = await response.text();
    if (!response.ok) {
      const fresh = new DOMParser().parseFromString(text, 'text/html');
      say(fresh.querySelector('[data-problem]')?.textContent ?? document.body.dataset.lost);
      return;
    }
    swap(text, form.dataset.enhance === 'stay' ? null : response.url);
    say(document.body.dataset.saved);
  } catch {
    say(document.body.dataset.lost);
  } finally {
    form.removeAttribute('aria-busy');
  }
};

// A dropped or chosen file goes into the form's text fields.
const take = async (form, file) => {
  form.querySelector('[data-file-name]').value = file.name;
  form.querySelector('[data-file-text]').value = await file.text();
};

export const enhance = () => {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('form[data-enhance]') || form.getAttribute('aria-busy')) return;
    event.preventDefault();
    submit(form, event.submitter);
  });
  document.addEventListener('change', (event) => {
    const form = event.target.closest('form[data-auto]');
    if (form) form.requestSubmit();
  });
  for (const form of document.querySelectorAll('form[data-drop]')) {
    form.addEventListener('dragover', (event) => { event.preventDefault(); form.dataset.over = ''; });
    form.addEventListener('dragleave', () => { delete form.dataset.over; });
    form.addEventListener('drop', (event) => {
      event.preventDefault();
      delete form.dataset.over;
      const [file] = event.dataTransfer.files;
      if (file) take(form, file);
    });
  }
};
