<?php
// SPDX-License-Identifier: MIT
// What tools/languages measures in PHP: `bench.php INSTANCE MODID CMDID COUNT` prints "CALL<TAB>NS" for each call.
const CALLS = 1000;
const BATCH = 100;

$c = FFI::cdef('typedef struct { uint32_t modid, cmdid, addr; uint16_t port; } host;
    int larshm_open(void **h, const char *instance);
    int larshm_get_host(void *h, uint32_t modid, uint32_t cmdid, host *host);
    size_t larshm_get_host_batch(void *h, host *hosts, int *codes, size_t count);', 'liblarshm.so.0');

// Prints the median of many short runs, of one call among so many.
function measure($name, $chunks, $run)
{
    for ($ns = []; count($ns) < $chunks;) {
        $start = hrtime(true);
        if (!$run()) {
            fwrite(STDERR, "$name fails\n");
            exit(1);
        }
        $ns[] = (hrtime(true) - $start) / CALLS;
    }
    sort($ns);
    printf("%s\t%.1f\n", $name, $ns[intdiv($chunks, 2)]);
}

[, $instance, $modid, $cmdid, $count] = $argv;
$h = $c->new('void *');
if ($c->larshm_open(FFI::addr($h), $instance) != 0) {
    fwrite(STDERR, "no instance $instance\n");
    exit(1);
}
$chunks = intdiv((int)$count, CALLS);
$modid = (int)$modid;
$cmdid = (int)$cmdid;
$host = FFI::addr($single = $c->new('host'));
measure('get_host', $chunks, function () use ($c, $h, $modid, $cmdid, $host) {
    for ($code = 0, $i = 0; $i < CALLS && $code == 0; $i++) {
        $code = $c->larshm_get_host($h, $modid, $cmdid, $host);
    }
    return $code == 0;
});
$hosts = $c->new('host[' . BATCH . ']');
$codes = $c->new('int[' . BATCH . ']');
foreach ($hosts as $route) {
    $route->modid = $modid;
    $route->cmdid = $cmdid;
}
measure('get_host_batch', $chunks, function () use ($c, $h, $hosts, $codes) {
    for ($found = BATCH, $i = 0; $i < CALLS && $found == BATCH; $i += BATCH) {
        $found = $c->larshm_get_host_batch($h, $hosts, $codes, BATCH);
    }
    return $found == BATCH;
});
