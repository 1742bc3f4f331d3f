// Asks an authenticator: WebAuthn has no other way in than a script. All the rest of the page is forms.
'use strict';

/** Bytes of base64url. */
function bytes(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** Base64url of bytes. */
function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Sends JSON to this site and returns what it answers. */
async function ask(address, body) {
  const answer = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  return answer.json();
}

/** What the server named in base64url, as the browser wants it. */
function wanted(options) {
  const known = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
  const given = { ...options, challenge: bytes(options.challenge) };
  if (options.user) given.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) given.excludeCredentials = known(options.excludeCredentials);
  if (options.allowCredentials) given.allowCredentials = known(options.allowCredentials);
  return given;
}

/** What the authenticator answered, as the server wants it. */
function answered(credential) {
  const { response } = credential;
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  const sent = parts.filter((part) => response[part]).map((part) => [part, text(response[part])]);
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: Object.fromEntries(sent),
    extensions: credential.getClientExtensionResults(),
  };
}

const steps = {
  async add(form) {
    const { publicKey } = await ask('/account/passkeys/options');
    const credential = await navigator.credentials.create({ publicKey: wanted(publicKey) });
    return ask('/account/passkeys', { name: form.elements.name.value, return_to: form.dataset.to, credential: answered(credential) });
  },
  async confirm(form) {
    const { publicKey } = await ask('/account/passkeys/confirm/options');
    const credential = await navigator.credentials.get({ publicKey: wanted(publicKey) });
    return ask('/account/passkeys/confirm', { return_to: form.dataset.to, credential: answered(credential) });
  },
};

const failed = document.getElementById('failed');

function say(what) {
  failed.textContent = failed.dataset[what];
  failed.hidden = false;
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      failed.hidden = true;
      const button = form.querySelector('button');
      button.disabled = true;
      try {
        const { to } = await steps[form.dataset.passkey](form);
        location.assign(to);
      } catch (error) {
        say(error.name === 'NotAllowedError' || error.name === 'AbortError' ? 'cancelled' : 'refused');
        button.disabled = false;
      }
    });
  }
} else {
  say('unknown');
}
