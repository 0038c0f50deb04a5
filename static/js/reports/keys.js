// The certificates that a report is sealed to: fetched anew, and refused unless they are the ones that the page states.

import { readKeys } from "../../vendor/openpgp/openpgp.min.mjs";

const SEIPD1_ONLY = 0x01;

/** Reads the current key set. Throws unless its fingerprints are exactly `stated` and gpg 2.2 can read what is sealed to it. */
export async function fetchKeys(url, stated, whose = "the triage team") {
  const response = await fetch(url, { cache: "no-store", credentials: "same-origin", redirect: "error" });
  if (!response.ok) throw new Error(`The keys of ${whose} cannot be fetched. Reload the page in a while.`);
  const keys = await readKeys({ armoredKeys: await response.text() });
  const fetched = keys.map((key) => key.getFingerprint().toUpperCase());
  if (!alike(fetched, stated)) {
    throw new Error("The keys that the portal gave are not those that this page states. Do not send anything; tell the team.");
  }
  for (const key of keys) await check(key, whose);
  return keys;
}

/** What a person compares: owner and fingerprint in groups of four. */
export async function describe(key) {
  const user = await key.getPrimaryUser();
  return { owner: user.user.userID.userID, fingerprint: key.getFingerprint().toUpperCase().replace(/(.{4})(?!$)/g, "$1 ") };
}

function alike(fetched, stated) {
  return fetched.length > 0 && [...fetched].sort().join(" ") === [...stated].sort().join(" ");
}

// The certificate, not a flag of ours, decides the format: others than 0x01 would make messages that gpg 2.2 cannot open.
async function check(key, whose) {
  await key.getEncryptionKey();
  const { features } = (await key.getPrimaryUser()).selfCertification;
  if (!features || features[0] !== SEIPD1_ONLY || features.slice(1).some(Boolean)) {
    throw new Error(`A key of ${whose} is of a kind that cannot be used here (${key.getKeyID().toHex()}).`);
  }
}
