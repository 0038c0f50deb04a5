// The browser's half of a passkey: options come in the form's data, the answer goes out in its hidden field.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

function text(buffer) {
  const signs = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(signs).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const withBytes = (descriptors = []) => descriptors.map((one) => ({ ...one, id: bytes(one.id) }));

async function create(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: withBytes(options.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    ...named(made),
    extensions: JSON.stringify(made.getClientExtensionResults()),
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? null,
    },
  };
}

async function get(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: withBytes(options.allowCredentials),
  };
  const found = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = found.response;
  return {
    ...named(found),
    assertionClientExtensions: JSON.stringify(found.getClientExtensionResults()),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    },
  };
}

const named = (credential) => ({ id: credential.id, rawId: text(credential.rawId), type: credential.type });

function reason(error) {
  if (error.name === "InvalidStateError") return "This device already holds a passkey for your account.";
  if (error.name === "NotAllowedError") return "Nothing was confirmed in time, or it was cancelled.";
  if (error.name === "SecurityError") return "Passkeys do not work at this address.";
  return `It did not work: ${error.message}`;
}

async function run(form) {
  const status = form.querySelector("[data-passkey-status]");
  const again = form.querySelector("[data-passkey-again]");
  again.hidden = true;
  try {
    const options = JSON.parse(form.dataset.options);
    const credential = form.dataset.passkey === "create" ? await create(options) : await get(options);
    form.elements.namedItem("credential").value = JSON.stringify(credential);
    status.textContent = "Confirmed. One moment.";
    form.submit();
  } catch (error) {
    status.textContent = reason(error);
    again.hidden = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.querySelector("[data-passkey-again]").addEventListener("click", () => run(form));
  run(form);
}
