// SPDX-License-Identifier: MIT
// What tools/languages measures in Node: `bench.js ADDON MODID CMDID COUNT` prints "CALL<TAB>NS" for each call. ADDON is that
// of reader/bindings/README.md, which opens $LARSHM_INSTANCE.
const CALLS = 1000;

const [addon, modid, cmdid, count] = process.argv.slice(2);
const { getHost } = require(addon);
const [m, c, chunks] = [Number(modid), Number(cmdid), Math.floor(Number(count) / CALLS)];
const ns = [];
for (let chunk = 0; chunk < chunks; chunk++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < CALLS; i++) getHost(m, c);
    ns.push(Number(process.hrtime.bigint() - start) / CALLS);
}
ns.sort((a, b) => a - b);
console.log(`get_host\t${ns[Math.floor(chunks / 2)].toFixed(1)}`);
