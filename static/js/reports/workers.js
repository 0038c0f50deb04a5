// Workers under the page's one Trusted Types policy, which lets only the addresses that the page states become a script's.

/** Gives a function that opens a worker at one of these addresses, and at no other. */
export function workersAt(...addresses) {
  const only = (asked) => {
    if (!addresses.includes(asked)) throw new TypeError("not an address of a worker");
    return asked;
  };
  const policy = globalThis.trustedTypes?.createPolicy("seal", { createScriptURL: only });
  return (address) => new Worker(policy ? policy.createScriptURL(address) : only(address), { type: "module" });
}
