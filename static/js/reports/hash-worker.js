// Hashes beside the sealing: bytes are given back once they are hashed, null ends a file and is answered with its SHA-256.

import { Sha256 } from "./sha256.js";

let hash = new Sha256();

self.onmessage = ({ data }) => {
  if (data !== null) {
    hash.update(data);
    self.postMessage(data, [data.buffer]);
  } else {
    self.postMessage(hash.hex());
    hash = new Sha256();
  }
};
