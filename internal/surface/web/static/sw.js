// Keeps one page for when the server cannot be reached, and nothing else. The
// list of files comes from the server; a new build is a new name.
const kept = 'offline-BUILD', files = FILES;
addEventListener('install', e => e.waitUntil(caches.open(kept).then(c => c.addAll(files)).then(() => skipWaiting())));
addEventListener('activate', e => e.waitUntil(
  caches.keys().then(names => Promise.all(names.filter(n => n !== kept).map(n => caches.delete(n)))).then(() => clients.claim())));
addEventListener('fetch', e => {
  const path = new URL(e.request.url).pathname;
  if (e.request.mode === 'navigate') e.respondWith(fetch(e.request).catch(() => caches.match('/offline')));
  else if (files.includes(path) && path !== '/offline') e.respondWith(caches.match(path).then(hit => hit ?? fetch(e.request)));
});
