// A tar archive (POSIX ustar) of a few small files, made in memory: what `tar -x` opens everywhere.

const BLOCK = 512;
const encoder = new TextEncoder();

/** The archive of [{name, bytes}]; names are cut to their last part, and told apart where they are alike. */
export function tar(files) {
  const taken = new Set();
  const blocks = files.flatMap(({ name, bytes }) => [header(free(plain(name), taken), bytes.length), bytes, padding(bytes.length)]);
  return new Blob([...blocks, new Uint8Array(2 * BLOCK)]);
}

function header(name, size) {
  const block = new Uint8Array(BLOCK);
  const put = (text, at) => block.set(encoder.encode(text), at);
  put(name, 0);
  put("0000600\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(`${size.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0", 136);
  put("        ", 148);
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, octet) => total + octet, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const padding = (size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

/** The last part of a path, without signs that a shell or a terminal would act on, at most 90 octets long. */
function plain(name) {
  let short = name.split(/[/\\]/).at(-1).replace(/[\p{C}]/gu, "").replace(/^[.-]+/, "") || "file";
  while (encoder.encode(short).length > 90) short = [...short].slice(1).join("");
  return short;
}

function free(name, taken) {
  let found = name;
  for (let number = 2; taken.has(found); number += 1) found = `${number}-${name}`;
  taken.add(found);
  return found;
}
