// What an app may try from a browser. The addresses of the product and of another app
// stand in the fragment. Each try tells whether it got somewhere.
(async () => {
  const [product, sibling] = decodeURIComponent(location.hash.slice(1)).split(' ');
  const tries = {
    'our cookie in script': async () => /cofounder/i.test(document.cookie),
    'product read': async () => (await fetch(product + '/api/v1/projects', { credentials: 'include' })).ok,
    'sibling read': async () => (await fetch(sibling + '/', { credentials: 'include' })).ok,
    'sibling blind write': async () => { await fetch(sibling + '/visit', { credentials: 'include', mode: 'no-cors' }); return false; },
    'product blind write': async () => {
      await fetch(product + '/projects', { method: 'POST', credentials: 'include', mode: 'no-cors', body: new URLSearchParams({ idea: 'planted by an app, as it were' }) });
      return false;
    },
    'sibling WebSocket': () => new Promise(done => {
      const s = new WebSocket(sibling.replace('http', 'ws') + '/echo');
      s.onopen = () => done(true);
      s.onerror = () => done(false);
    }),
    'cookie for the product': async () => { document.cookie = '__Host-cofounder=x; Secure; Path=/; Domain=localhost'; return /cofounder/.test(document.cookie); },
    'pass of another app': async () => { document.cookie = '__Host-cofounder-tab=x; Secure; Path=/; Domain=preview.localhost'; return /cofounder/.test(document.cookie); },
    'service worker': async () => !!(await navigator.serviceWorker.register('/script.js')),
    'product in a frame': () => new Promise(done => {
      const f = document.createElement('iframe');
      f.src = product + '/sign-in';
      f.onload = () => { try { done(f.contentDocument !== null && f.contentDocument.body.innerText.includes('Sign in')); } catch { done(false); } };
      document.body.append(f);
    }),
  };
  const got = [];
  for (const [name, attempt] of Object.entries(tries)) {
    try { if (await attempt()) got.push(name); } catch { /* refused */ }
  }
  document.getElementById('said').textContent = product + ' got: ' + got.join(', ') + '.';
})();
