// Passkeys: making one in settings, signing in with one. Loaded only there.
for (const part of document.querySelectorAll('[data-passkey]')) {
  const button = part.querySelector('button'), status = part.querySelector('[role=status]');
  const post = async (address, body) => {
    const answer = await fetch(address, {
      method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(body ?? {}),
    });
    const text = await answer.text(), value = text ? JSON.parse(text) : {};
    if (!answer.ok) throw new Error(value.fields?.[0]?.detail ?? value.detail ?? 'That did not work. Please try again.');
    return value;
  };
  const make = async () => {
    const name = part.querySelector('input');
    if (!name.reportValidity()) return;
    const { options, ceremony } = await post('/account/passkeys/begin');
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
    const credential = await navigator.credentials.create({ publicKey });
    await post('/account/passkeys/finish', { ceremony, name: name.value, answer: credential.toJSON() });
    location.assign('/account');
  };
  const signIn = async () => {
    const { options, ceremony } = await post('/sign-in/passkey/begin');
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
    const credential = await navigator.credentials.get({ publicKey });
    const { next } = await post('/sign-in/passkey/finish', { ceremony, next: part.dataset.next, answer: credential.toJSON() });
    location.assign(next);
  };
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) { part.hidden = true; continue; }
  button.addEventListener('click', async () => {
    status.textContent = '';
    button.disabled = true;
    try { await (part.dataset.passkey === 'make' ? make() : signIn()); }
    catch (e) { status.textContent = e.name === 'NotAllowedError' ? 'Nothing was used. Try again whenever you like.' : e.message; }
    button.disabled = false;
  });
}
