// What pages need beyond htmx: theme, palette and keys, kept text, focus, the
// live stream and a few small things. Pages and forms work without any of it.
(() => {
  const $ = (s, r = document) => r.querySelector(s), $$ = (s, r = document) => [...r.querySelectorAll(s)];
  const root = document.documentElement, say = text => { $('#status').textContent = text; };
  const on = (type, selector, act) => document.addEventListener(type, e => { const at = e.target.closest?.(selector); if (at) act(at, e); });
  const store = (key, value) => { try { return value === undefined ? localStorage.getItem(key) : value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value); } catch { return null; } };

  // Theme: a cookie, so that the server draws the next page in it at once.
  on('click', '[name=theme]', (button, e) => {
    e.preventDefault();
    root.dataset.theme = button.value;
    document.cookie = `theme=${button.value}; path=/; max-age=31536000; samesite=lax`;
    for (const b of $$('[name=theme]')) b.setAttribute('aria-pressed', b.value === button.value);
  });

  // Palette: the server renders the list, it is filtered in place.
  const palette = $('#palette'), box = palette && $('input', palette), rows = () => $$('li:not([hidden])', palette);
  const mark = row => {
    for (const r of $$('li', palette)) r.setAttribute('aria-selected', r === row);
    if (row) box.setAttribute('aria-activedescendant', row.id); else box.removeAttribute('aria-activedescendant');
    $('.none', palette).hidden = !!row; row?.scrollIntoView({ block: 'nearest' });
  };
  const filter = () => { for (const r of $$('li', palette)) r.hidden = !r.textContent.toLowerCase().includes(box.value.trim().toLowerCase()); mark(rows()[0]); };
  const open = () => { if (!palette || palette.open) return; box.value = ''; filter(); palette.showModal(); };
  const follow = row => { palette.close(); if (row.dataset.press) $(row.dataset.press).click(); else location.assign(row.dataset.go); };
  box?.addEventListener('input', filter);
  palette?.addEventListener('keydown', e => {
    const list = rows(), at = list.findIndex(r => r.getAttribute('aria-selected') === 'true');
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); mark(list[(at + (e.key === 'ArrowDown' ? 1 : -1) + list.length) % list.length]); }
    if (e.key === 'Enter' && list[at]) { e.preventDefault(); follow(list[at]); }
  });
  on('click', '#palette li', follow);
  on('click', 'dialog', (dialog, e) => { if (e.target === dialog) dialog.close(); });
  on('click', '[data-open]', button => button.dataset.open === 'palette' ? open() : $('#' + button.dataset.open).showModal());

  // Keys: Ctrl or Command with K, and single keys, which can be switched off.
  const single = $('#single-keys'); let leader = 0;
  if (single) { single.checked = store('keys') !== 'off'; single.addEventListener('change', () => store('keys', single.checked ? null : 'off')); }
  addEventListener('keydown', e => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') { e.preventDefault(); return open(); }
    if ((e.ctrlKey || e.metaKey) && e.key === 'Enter' && e.target.matches?.('textarea')) return e.target.form.requestSubmit(e.target.form.querySelector('.primary'));
    if (e.ctrlKey || e.metaKey || e.altKey || !single?.checked || e.target.closest?.('input,textarea,select,[contenteditable],dialog[open]')) return;
    if (e.key === '?') return $('#shortcuts').showModal();
    const row = $(`${leader && e.timeStamp - leader < 1500 ? '#palette [data-key' : '[data-hot'}="${CSS.escape(e.key)}"]`);
    leader = e.key === 'g' ? e.timeStamp : 0;
    if (row) { e.preventDefault(); if (row.dataset.key) follow(row); else if (row.matches('button')) row.focus(); else row.click(); }
  });

  // Kept text: what was typed stays in this browser until the server has it.
  // Examples take nothing of it away, and only what was sent is forgotten.
  const keep = name => `kept:${root.dataset.person}:${name}`, sent = name => keep(name) + ':sent';
  const texts = name => { try { return JSON.parse(store(keep(name))) ?? []; } catch { return []; } };
  const put = (name, list) => store(keep(name), list.length ? JSON.stringify(list) : null);
  for (const { dataset: { forget: name } } of $$('[data-forget]')) { const gone = store(sent(name)); put(name, texts(name).filter(text => text !== gone)); store(sent(name), null); }
  const keeping = area => {
    const name = area.dataset.keep, note = $(`#${name}-kept`), back = $(`#${name}-back`);
    let before = area.value ||= texts(name).at(-1) ?? '';
    const show = () => { const list = texts(name); note.hidden = !list.includes(area.value); back.hidden = list.every(text => text === area.value); };
    area.addEventListener('input', () => {
      const list = texts(name), at = list.indexOf(before);
      list.splice(at < 0 ? list.length : at, at < 0 ? 0 : 1, before = area.value); put(name, list.filter(text => text)); show();
    });
    back.addEventListener('click', () => { const list = texts(name); area.value = before = list.at(Math.max(list.indexOf(area.value), 0) - 1); show(); area.focus(); });
    area.form.addEventListener('submit', () => store(sent(name), area.value)); show(); area.dataset.kept = '';
  }, keepAll = () => $$('[data-keep]:not([data-kept])').forEach(keeping); keepAll();
  on('submit', '[data-forget-all]', () => { for (const key of Object.keys(localStorage)) if (key.startsWith('kept:')) store(key, null); });

  // Forms: a button that was pressed stays busy until the answer is there.
  on('submit', 'form', (form, e) => setTimeout(() => { if (!e.defaultPrevented && e.submitter && !form.target) { e.submitter.setAttribute('aria-busy', 'true'); e.submitter.disabled = true; } }));
  addEventListener('pageshow', () => { for (const b of $$('[aria-busy=true]')) { b.removeAttribute('aria-busy'); b.disabled = false; } });
  on('click', '[data-copy]', async button => { await navigator.clipboard.writeText($(button.dataset.copy).textContent); say('Copied.'); button.lastElementChild.textContent = 'Copied'; });

  // Focus after a part of the page was replaced: an error summary takes it by
  // autofocus, else it goes to the heading of the part that was worked in.
  let worked = ''; const stale = new Set();
  document.addEventListener('htmx:before:swap', e => {
    const { ctx, tasks } = e.detail;
    if (ctx.sourceElement.id === 'live' && !ctx.response.raw.ok) return e.preventDefault();
    worked = ctx.sourceElement.closest('section[id],li[id]')?.id;
    if (ctx.sourceElement.id === 'live') for (const t of [...tasks]) if (t.swapSpec?.style !== 'beforeend' && t.target?.contains(document.activeElement)) { tasks.splice(tasks.indexOf(t), 1); stale.add(t.target); }
  });
  document.addEventListener('htmx:after:swap', e => {
    keepAll(); if (e.detail.ctx.sourceElement.id === 'live') { for (const list of $$('[data-cap]')) while (list.children.length > list.dataset.cap) list.firstElementChild.remove(); return; } // newest rows stay
    if (document.activeElement === document.body) ((worked && $(`#${worked} h2`)) || $('main h1'))?.focus({ preventScroll: true });
    say($('.toast p')?.textContent ?? '');
  });
  say($('.toast p')?.textContent ?? '');

  // The live stream: one per page, closed while the tab is hidden or updates are held, opened again at the
  // last id. A part not redrawn under somebody's hands comes when they leave it, by connecting again.
  const live = $('#live'); let connection, last = '', held = false;
  const state = s => { root.dataset.live = s; }, wanted = () => !document.hidden && !held;
  const sync = () => wanted() ? htmx.trigger(live, 'live') : connection?.abortController.abort();
  live?.addEventListener('htmx:config:request', e => { if (last) e.detail.ctx.request.headers['Last-Event-ID'] = last; });
  live?.addEventListener('htmx:sse:before:connection', e => { if (connection && !wanted()) e.preventDefault(); if (connection) state(held ? 'held' : 'lost'); });
  live?.addEventListener('htmx:sse:after:connection', e => { connection = e.detail.connection; state('on'); if (!wanted()) connection.abortController.abort(); });
  live?.addEventListener('htmx:sse:after:message', e => { last = e.detail.message.id || last; });
  live?.addEventListener('htmx:sse:error', e => { state('lost'); if (e.detail.status === 401) location.reload(); });
  const again = wait => { connection = null; setTimeout(() => wanted() && sync(), wait); };
  live?.addEventListener('htmx:sse:close', () => again(0));
  live?.addEventListener('htmx:error', () => { state('lost'); again(2000); });
  document.addEventListener('focusout', () => setTimeout(() => { if (stale.size && ![...stale].some(part => part.contains(document.activeElement))) { stale.clear(); connection?.abortController.abort(); } }));
  on('click', '#hold', button => { held = !held; button.setAttribute('aria-pressed', held); state(held ? 'held' : 'on'); sync(); });
  if (live) { document.addEventListener('visibilitychange', sync); setTimeout(sync); } // htmx looks at the page in a timeout, too, set before

  // The page shown when the server cannot be reached.
  const policy = window.trustedTypes?.createPolicy('cofounder', { createScriptURL: url => url === '/sw.js' ? url : '' }) ?? { createScriptURL: url => url };
  if (window.isSecureContext) navigator.serviceWorker?.register(policy.createScriptURL('/sw.js')).catch(() => {}); // only comfort is lost
})();
