// A Hasher beside the sealing. Questions are answered in their order; bytes that were lent are given back.

import { Hasher } from "./hasher.js";

const hasher = new Hasher();
let turn = Promise.resolve();

self.onmessage = ({ data: { ask, bytes } }) => {
  turn = turn.then(async () => {
    const answer = await hasher[ask](bytes);
    self.postMessage(answer, answer.bytes ? [answer.bytes.buffer] : []);
  });
};
