-- SPDX-License-Identifier: MIT
-- usage: luajit example.lua [INSTANCE]
local larshm = require "larshm"

local cache = assert(larshm.open(arg[1], 5000)) -- waits for the fetcher, up to 5 s
assert(cache:wait_route(1, 1, 5000)) -- and for the route

for attempt = 1, 3 do
    local host = assert(cache:get_host(1, 1))
    print("attempt " .. attempt .. " calls " .. host:address() .. " port " .. host:port())
    local result = 0 -- what the call gave: 0 is a success
    assert(cache:report(host, result))
end
cache:close()
