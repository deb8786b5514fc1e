-- SPDX-License-Identifier: MIT
-- usage: luajit bench.lua INSTANCE MODID CMDID COUNT
-- Prints "CALL<TAB>NS" for each call; of a batch of 100, for each of them. It is the median of many short runs.
local ffi = require "ffi"
local larshm = require "larshm"

ffi.cdef [[
struct larshm_bench_time { long s, ns; };
int clock_gettime(int clock, struct larshm_bench_time *time);
]]

local MONOTONIC, CALLS, BATCH = 1, 1000, 100
local time = ffi.new("struct larshm_bench_time")

local function now()
    ffi.C.clock_gettime(MONOTONIC, time)
    return tonumber(time.s) * 1e9 + tonumber(time.ns)
end

local name, modid, cmdid, count = arg[1], tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4])
local cache = assert(larshm.open(name))
local host, batch, tried = larshm.host(), larshm.batch(BATCH), { assert(cache:get_host(modid, cmdid)) }
for i = 1, BATCH do
    batch:set(i, modid, cmdid)
end

local function measure(call, lookups, loop)
    local ns = {}
    for run = 1, math.ceil(count / CALLS) do
        local start = now()
        loop(CALLS / lookups)
        ns[run] = (now() - start) / CALLS
    end
    table.sort(ns)
    print(("%s\t%.1f"):format(call, ns[math.ceil(#ns / 2)]))
end

measure("get_host", 1, function(times)
    for _ = 1, times do
        cache:get_host(modid, cmdid, host)
    end
end)
measure("get_host of a new host", 1, function(times)
    for _ = 1, times do
        cache:get_host(modid, cmdid)
    end
end)
measure("get_host with address and port", 1, function(times)
    local total = 0
    for _ = 1, times do
        local picked = cache:get_host(modid, cmdid, host)
        total = total + #picked:address() + picked:port()
    end
end)
measure("get_host_except of one", 1, function(times)
    for _ = 1, times do
        cache:get_host_except(modid, cmdid, tried, host)
    end
end)
measure("get_host_batch", BATCH, function(times)
    for _ = 1, times do
        cache:get_host_batch(batch)
    end
end)
measure("report", 1, function(times)
    for _ = 1, times do
        cache:report(host, 0)
    end
end)
