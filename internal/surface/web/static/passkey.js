// Passkeys: making one in settings, signing in with one. Loaded only there.
(() => {
  const post = async (address, body) => {
    const answer = await fetch(address, {
      method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(body ?? {}),
    });
    const text = await answer.text(), value = text ? JSON.parse(text) : {};
    if (!answer.ok) throw new Error(value.fields?.[0]?.detail ?? value.detail ?? 'That did not work. Please try again.');
    return value;
  };
  const make = async part => {
    const name = part.querySelector('input');
    if (!name.reportValidity()) return;
    const { options, ceremony } = await post('/account/passkeys/begin');
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
    const credential = await navigator.credentials.create({ publicKey });
    await post('/account/passkeys/finish', { ceremony, name: name.value, answer: credential.toJSON() });
    location.assign('/account');
  };
  const signIn = async part => {
    const { options, ceremony } = await post('/sign-in/passkey/begin');
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
    const credential = await navigator.credentials.get({ publicKey });
    const { next } = await post('/sign-in/passkey/finish', { ceremony, next: part.dataset.next, answer: credential.toJSON() });
    location.assign(next);
  };
  // On the document, because htmx may have replaced the button.
  document.addEventListener('click', async e => {
    const button = e.target.closest?.('[data-passkey] button');
    if (!button) return;
    const part = button.closest('[data-passkey]'), status = part.querySelector('[role=status]');
    status.textContent = '';
    button.disabled = true;
    try {
      if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Error('This browser is too old for passkeys here. A newer one, or a password, will do.');
      await (part.dataset.passkey === 'make' ? make(part) : signIn(part));
    } catch (trouble) {
      status.textContent = trouble.name === 'NotAllowedError' ? 'Nothing was used. Try again whenever you like.' : trouble.message;
    }
    button.disabled = false;
  });
})();
