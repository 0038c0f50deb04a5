// Whether a sealed file belongs to a receipt: its SHA-256 is computed here, piece by piece, and the file is never sent.

import { Hashing } from "./hashing.js";

const PIECE = 4 * 1024 * 1024;
const field = document.querySelector("#compare");
const said = document.querySelector("#compared");
const known = [...document.querySelectorAll("[data-sha256]")].map((cell) => cell.textContent.trim());

document.querySelector("[data-compare]").hidden = false;
field.addEventListener("change", async () => {
  const file = field.files[0];
  if (!file) return;
  said.textContent = "Computing its hash…";
  const hashing = new Hashing();
  try {
    for (let begin = 0; begin < file.size; begin += PIECE) {
      await hashing.update(new Uint8Array(await file.slice(begin, begin + PIECE).arrayBuffer()));
    }
    const hex = await hashing.hex();
    if (field.files[0] !== file) return;
    said.textContent = known.includes(hex) ? `It belongs to this receipt: ${hex}` : `It does not belong to this receipt: ${hex}`;
  } catch {
    said.textContent = "The file cannot be read.";
  } finally {
    hashing.close();
  }
});
