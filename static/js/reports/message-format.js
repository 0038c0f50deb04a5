// The plaintext of a sealed message: {"format", "report", "text", "attachments": [{"name", "size", "sha256", "data"}]}.

const FAMILY = "sealed-message/";
const FORMAT = "sealed-message/1";
const CHUNK = 0x8000;

/** A message as text, from what was typed and chosen. */
export async function write(report, text, files) {
  const attachments = [];
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    attachments.push({ name: file.name, size: bytes.length, sha256: await sha256(bytes), data: encoded(bytes) });
  }
  return JSON.stringify({ format: FORMAT, report, text, attachments }, null, 1);
}

/** What a decrypted message says: {text, attachments: [{name, bytes}]}. Throws unless it is about this report, and whole. */
export async function read(bytes, report) {
  const value = parsed(bytes);
  if (typeof value?.format !== "string" || !value.format.startsWith(FAMILY)) return byHand(bytes);
  if (value.format !== FORMAT) throw new Error("The message has a format that this page does not know. Reload the page.");
  if (value.report !== report) throw new Error("The message was written about another report. Tell the team: it has been exchanged.");
  if (typeof value.text !== "string" || !Array.isArray(value.attachments)) throw new Error("The message is malformed.");
  return { text: value.text, attachments: await Promise.all(value.attachments.map(attachment)) };
}

async function attachment({ name, sha256: stated, data }) {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  if ((await sha256(bytes)) !== stated) throw new Error("An attachment is damaged.");
  return { name: String(name).replace(/[\p{C}/\\]/gu, "_"), bytes };
}

function parsed(bytes) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

function byHand(bytes) {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), attachments: [] };
  } catch {
    return { text: "It was sealed by hand and is no text. Save it below.", attachments: [{ name: "message.bin", bytes }] };
  }
}

function encoded(bytes) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += CHUNK) pieces.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  return btoa(pieces.join(""));
}

async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}
