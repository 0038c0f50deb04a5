// An upload client that others wrote, as a program of its own: what to do, where to, and the files come as arguments.

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { PassThrough } from "node:stream";

import { Upload } from "tus-js-client";

const [what, endpoint, token, report, ...names] = process.argv.slice(2);
const PART = 1024 * 1024;

/** One file; resolves with the upload once it has arrived, or once a part of it has where `parts` ends it. */
function send(content, kind, options = {}, parts = Infinity) {
  return new Promise((resolve, reject) => {
    let accepted = 0;
    const upload = new Upload(content, {
      endpoint, headers: { Authorization: `Bearer ${token}` }, metadata: { report, kind }, chunkSize: PART,
      retryDelays: [0, 100], onError: reject, onSuccess: () => resolve(upload),
      onChunkComplete: () => {
        accepted += 1;
        if (accepted === parts) upload.abort().then(() => resolve(upload));
      },
      ...options,
    });
    upload.start();
  });
}

const whole = { chunkSize: Infinity };
const bytes = async (name) => Buffer.from(await readFile(name));
const ways = {
  whole: async ([name]) => send(await bytes(name), "body", whole),
  chunked: async ([name]) => send(await bytes(name), "body"),
  posted: async ([name]) => send(await bytes(name), "body", { overridePatchMethod: true }),
  // A stream whose length nobody knows: that of a file would be looked up.
  deferred: async ([name]) => {
    const stream = createReadStream(name).pipe(new PassThrough({ highWaterMark: 4 * PART }));
    return send(stream, "body", { uploadLengthDeferred: true });
  },
  interrupted: async ([name]) => send(await bytes(name), "body", {}, 2),
  resumed: async ([name, url]) => send(await bytes(name), "body", { uploadUrl: url }),
  ended: async ([name]) => {
    const upload = await send(await bytes(name), "body", {}, 1);
    await upload.abort(true);
    return upload;
  },
  parallel: async ([body, attachment]) => {
    const both = [send(await bytes(body), "body"), send(await bytes(attachment), "attachment")];
    return (await Promise.all(both))[0];
  },
};

const upload = await ways[what](names);
console.log(upload.url);
