// Hashes beside the sealing: bytes are taken with an empty answer, null ends a file and is answered with its SHA-256.

import { Sha256 } from "./sha256.js";

let hash = new Sha256();

self.onmessage = ({ data }) => {
  if (data !== null) {
    hash.update(data);
    self.postMessage("");
  } else {
    self.postMessage(hash.hex());
    hash = new Sha256();
  }
};
