-- SPDX-License-Identifier: MIT
-- usage: luajit larshm_test.lua INSTANCE_PROGRAM [LUA51]
-- What is Lua's own in larshm.lua: arguments, lifetimes, the compiler. vectors.txt says what lookups give. With LUA51, a Lua
-- without ffi, its error is tried, too.
local ffi = require "ffi"
local instance = require "instance"
local jutil = require "jit.util"
local larshm = require "larshm"

ffi.cdef [[
int fork(void);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
struct pollfd { int fd; short events, revents; };
int poll(struct pollfd *fds, unsigned long count, int timeout);
ssize_t read(int fd, void *buffer, size_t size);
int waitpid(int pid, int *status, int options);
void _exit(int status);
]]

local tests = {}
local started, cache

local function check(condition, ...)
    if not condition then
        local texts = { ... }
        for i = 1, select("#", ...) do
            texts[i] = tostring(texts[i])
        end
        error(table.concat(texts, " "), 2)
    end
end

local function check_error(expected, call, ...)
    local done, message = pcall(call, ...)
    check(not done, "no error, but", message)
    check(tostring(message):find(expected, 1, true), "expected", expected, "in", message)
end

-- How many of this process's mappings are of the instance.
local function mappings()
    local count = 0
    for line in io.lines("/proc/self/maps") do
        count = count + (line:find("larshm." .. started.name, 1, true) and 1 or 0)
    end
    return count
end

-- Returns a command's output and exit status.
local function run(command)
    local pipe = io.popen(command .. " 2>&1; echo $?")
    local said, status = pipe:read("*a"):match("^(.-)(%d+)\n$")
    pipe:close()
    return said, tonumber(status)
end

local function run_text(program, text)
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write(text)
    file:close()
    local said, status = run(program .. " " .. path)
    os.remove(path)
    return said, status
end

function tests.a_host_comes_in_the_callers_or_in_a_new_one()
    local mine = larshm.host()
    check(rawequal(cache:get_host(1, 1, mine), mine))
    check(not rawequal(cache:get_host(1, 1), cache:get_host(1, 1)))
    check(mine.modid == 1 and mine.cmdid == 1 and mine:address():match("^10%.0%.0%.[12]$") and mine:port() == 8080)
end

function tests.two_picks_in_a_row_are_two_hosts()
    check(tostring(cache:get_host(1, 1)) ~= tostring(cache:get_host(1, 1)))
end

function tests.what_goes_wrong_is_nil_a_message_and_a_code()
    local host, message, code = cache:get_host(9, 9)
    check(host == nil and message:find("try again", 1, true) and code == larshm.PENDING, host, message, code)
    local none, text, number = larshm.open("no-fetcher-has-run-here", 1)
    check(none == nil and text:find("larshm-fetcher", 1, true) and number == larshm.NO_OBJECT, none, text, number)
end

function tests.a_name_of_an_instance_with_a_zero_byte_is_refused()
    local _, _, code = larshm.open(started.name .. "\0")
    check(code == larshm.BAD_ARGUMENT, code)
end

function tests.a_host_is_made_of_four_values_and_written_as_text()
    local host = larshm.host(4294967295, 0, "255.0.10.1", 65535)
    check(host.modid == 4294967295 and host.cmdid == 0)
    check(tostring(host) == "255.0.10.1:65535" and host:address() == "255.0.10.1" and host:port() == 65535, host)
    for _, bad in ipairs { "", "10.0.0", "10.0.0.256", "10.0.0.1.", " 10.0.0.1", "10.0.0.1\n", "::1", "host" } do
        check_error('address must be a text such as "10.0.0.1"', larshm.host, 1, 1, bad, 80)
    end
    check_error("port must be a whole number from 0 to 65535", larshm.host, 1, 1, "10.0.0.1", 65536)
end

function tests.texts_of_many_addresses_stay_right()
    for round = 1, 2 do
        for i = 0, 9999 do
            local text = ("10.%d.%d.%d"):format(round, i / 256, i % 256)
            check(larshm.host(1, 1, text, 80):address() == text, text)
        end
    end
end

function tests.a_batch_gives_what_single_lookups_give()
    local batch = larshm.batch(3)
    batch:set(1, 1, 1)
    batch:set(2, 9, 9)
    batch:set(3, 1, 1)
    check(cache:get_host_batch(batch) == 2)
    check(batch:get(1):port() == 8080 and select(3, batch:get(2)) == larshm.PENDING and batch:get(3))
    for _, i in ipairs { 0, 4, -1, 1.5, 0 / 0, 2 ^ 40 } do
        check_error("the number of an entry must be a whole number", batch.get, batch, i)
        check_error("the number of an entry must be a whole number", batch.set, batch, i, 1, 1)
    end
end

function tests.huge_batches_are_refused()
    for _, count in ipairs { -1, 1048577, 2 ^ 31, 2 ^ 53, 1e300, math.huge, 0 / 0 } do
        check_error("count must be a whole number from 0 to 1048576", larshm.batch, count)
    end
    local batch = larshm.batch(1048576)
    batch:set(1048576, 1, 1)
    cache:get_host_batch(batch)
    check(batch:get(1048576):port() == 8080)
end

function tests.tried_hosts_are_left_out_and_nine_are_too_many()
    local tried = { cache:get_host(1, 1) }
    for _ = 1, 50 do
        check(tostring(cache:get_host_except(1, 1, tried)) ~= tostring(tried[1]))
    end
    while #tried < 9 do
        tried[#tried + 1] = tried[1]
    end
    check(select(3, cache:get_host_except(1, 1, tried)) == larshm.BAD_ARGUMENT)
    check_error("each of the tried hosts must be a host", cache.get_host_except, cache, 1, 1, { "10.0.0.1:8080" })
    check_error("tried must be an array", cache.get_host_except, cache, 1, 1, tried[1])
end

function tests.states_are_words()
    started:say("eject 1 1 10.0.0.1:8080")
    for _, entry in ipairs(cache:get_route(1, 1)) do
        check(entry.state == (entry.host:address() == "10.0.0.1" and "ejected" or "rotation"), entry.host, entry.state)
    end
    started:say("return 1 1 10.0.0.1:8080")
end

function tests.info_says_what_is_known_of_a_route_that_has_no_hosts()
    local info = cache:info(1, 1)
    check(info.hosts == 2 and info.fetcher_alive == true and info.cut_off == 0 and info.version > 0)
    local none, message, code, members = cache:info(1, 2)
    check(none == nil and message and code == larshm.NOEXIST and members.hosts == 0 and members.version > 0)
end

function tests.changes_are_listed_and_waited_for()
    local changes = cache:changes()
    check(changes:wait(0))
    check(select(3, changes:next()) == larshm.OVERRUN)
    check(select(3, changes:next()) == larshm.END)
    check(select(3, changes:wait(1)) == larshm.TIMEOUT)
    started:say("eject 1 1 10.0.0.1:8080")
    check(changes:wait(10000) and changes:wait(0))
    local modid, cmdid = changes:next()
    check(modid == 1 and cmdid == 1, modid, cmdid)
    started:say("return 1 1 10.0.0.1:8080")
    check(changes:wait(10000) and changes:next() == 1)
    check(select(3, changes:next()) == larshm.END)
end

function tests.a_change_makes_the_descriptor_readable()
    local watched, bytes = ffi.new("struct pollfd[1]"), ffi.new("uint64_t[1]")
    local other = assert(larshm.open(started.name))
    watched[0].fd, watched[0].events = other:change_fd(), 1
    check(other:change_fd() == watched[0].fd)
    while ffi.C.poll(watched, 1, 0) == 1 do
        ffi.C.read(watched[0].fd, bytes, 8)
    end
    started:say("eject 1 1 10.0.0.1:8080")
    check(ffi.C.poll(watched, 1, 10000) == 1 and ffi.C.read(watched[0].fd, bytes, 8) == 8)
    started:say("return 1 1 10.0.0.1:8080")
    other:close()
end

function tests.records_of_hosts_say_what_was_reported()
    local host = cache:get_host(1, 1)
    cache:report(host, 1)
    local reported = 0
    for _, info in ipairs(cache:hosts(1, 1)) do
        check(info.state == "rotation" and info.override == "none" and info.share == 8 and type(info.failures) == "number")
        reported = reported + (tostring(info.host) == tostring(host) and 1 or 0)
    end
    check(reported == 1)
end

function tests.routes_outlive_changes_cache_and_collection()
    local other, found = assert(larshm.open(started.name)), {}
    for modid, cmdid in other:routes() do
        found[#found + 1] = modid .. ":" .. cmdid
        started:say("generation")
        other:close()
        collectgarbage()
    end
    table.sort(found)
    check(table.concat(found, " ") == "1:1 1:2", table.concat(found, " "))
end

function tests.a_list_that_is_left_keeps_nothing_mapped()
    local counts = {}
    for i = 1, 3 do
        for _ = 1, 10 do
            for _ in cache:routes() do
                break
            end
            cache:hosts(1, 1)
        end
        started:say("generation")
        check(cache:get_host(1, 1))
        counts[i] = mappings()
    end
    check(counts[3] <= counts[1], counts[1], counts[2], counts[3])
end

local function each_call(host, batch, changes)
    return {
        { cache.get_host, cache, 1, 1, host },
        { cache.get_host_except, cache, 1, 1, { host }, host },
        { cache.get_host_batch, cache, batch },
        { cache.get_route, cache, 1, 1 },
        { cache.report, cache, host, 0 },
        { cache.report_timed, cache, host, 0, 1 },
        { cache.wait_route, cache, 1, 1, 0 },
        { cache.info, cache, 1, 1 },
        { cache.changes, cache },
        { cache.change_fd, cache },
        { cache.routes, cache },
        { cache.hosts, cache, 1, 1 },
        { changes.next, changes },
        { changes.wait, changes, 0 },
        { cache.close, cache },
        { batch.set, batch, 1, 1, 1 },
        { batch.get, batch, 1, host },
        { host.address, host },
        { host.port, host },
        { larshm.open, started.name, 0 },
        { larshm.shared, started.name },
        { larshm.host, 1, 1, "10.0.0.1", 80 },
        { larshm.batch, 1 },
        { larshm.strerror, 1 },
    }
end

-- Nil, false and NaN are among them; of numbers those that no argument may be.
local bad = {
    n = 18,
    nil, false, true, "", "1", "\0", 0.5, 0 / 0, math.huge, -math.huge, 2 ^ 32, -2 ^ 31 - 1, 2 ^ 63, {},
    print, coroutine.create(print), ffi.new("int64_t", 1), ffi.new("void *"),
}

function tests.no_argument_of_a_wrong_type_or_range_crashes()
    local batch = larshm.batch(1)
    local calls = each_call(larshm.host(), batch, cache:changes())
    for number, call in ipairs(calls) do
        for position = 2, #call do
            for i = 1, bad.n do
                local arguments = { unpack(call) }
                arguments[position] = bad[i]
                local done, message = pcall(unpack(arguments, 1, #call))
                check(done or type(message) == "string" or type(message) == "cdata", number, position, i)
            end
        end
    end
    check(cache:get_host(1, 1):port() == 8080)
end

function tests.out_of_range_numbers_are_errors_in_compiled_loops_too()
    local host = larshm.host()
    for _, wrong in ipairs { -1, 2 ^ 32, 0.5, 0 / 0, math.huge } do
        local numbers = {}
        for i = 1, 1000 do
            numbers[i] = i
        end
        numbers[1000] = wrong
        local done = 0
        check_error("modid must be a whole number from 0 to 4294967295", function()
            for i = 1, 1000 do
                cache:get_host(numbers[i], 1, host)
                done = i
            end
        end)
        check(done == 999, done)
    end
end

function tests.errors_blame_the_callers_line()
    check_error("larshm_test.lua:", function() cache:get_host(-1, 1) end)
    check_error("larshm_test.lua:", function() larshm.host(1, 1, "x", 1) end)
    check_error("larshm_test.lua:", function() larshm.batch(-1) end)
    check_error("larshm_test.lua:", function() larshm.shared({}) end)
end

function tests.a_closed_cache_raises_errors_and_closes_twice()
    local closed = assert(larshm.open(started.name))
    closed:close()
    closed:close()
    local batch, changes = larshm.batch(1), cache:changes()
    batch:set(1, 1, 1)
    changes.private_cache = closed
    for number, call in ipairs(each_call(larshm.host(1, 1, "10.0.0.1", 80), batch, changes)) do
        if call[2] == cache then
            call[2] = closed
        end
        if (call[2] == closed or call[2] == changes) and call[1] ~= cache.close then
            local done, message = pcall(unpack(call))
            check(not done and message:find("this cache is closed", 1, true), number, message)
        end
    end
end

function tests.a_cache_that_is_not_used_any_more_is_closed_by_the_collector()
    collectgarbage()
    local before, kept = mappings(), {}
    for i = 1, 20 do
        kept[i] = assert(larshm.open(started.name))
    end
    check(mappings() > before)
    kept = nil
    collectgarbage()
    collectgarbage()
    check(mappings() <= before, mappings(), before)
end

function tests.hosts_outlive_batch_cache_and_collection()
    local kept = {}
    do
        local other, batch = assert(larshm.open(started.name)), larshm.batch(100)
        for i = 1, 100 do
            batch:set(i, 1, 1)
        end
        other:get_host_batch(batch)
        for i = 1, 100 do
            kept[i] = batch:get(i)
        end
        kept[101] = other:get_route(1, 1)[1].host
        other:close()
    end
    for _ = 1, 10 do
        collectgarbage()
        larshm.batch(1000)
    end
    for _, host in ipairs(kept) do
        check(host:port() == 8080 and host:address():match("^10%.0%.0%.[12]$"), host)
    end
end

function tests.collections_in_the_midst_of_calls_do_no_harm()
    collectgarbage("setpause", 1)
    collectgarbage("setstepmul", 10000)
    for _ = 1, 500 do
        local other = larshm.open(started.name)
        check(other:get_host(1, 1):port() == 8080 and #other:get_route(1, 1) == 2 and other:info(1, 1).hosts == 2)
    end
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
end

-- The collector runs at each step, with finalizers that close the cache that is in use.
function tests.a_cache_that_is_closed_in_the_midst_of_a_call_does_no_harm()
    collectgarbage("setpause", 1)
    collectgarbage("setstepmul", 10000)
    local before, closed = mappings(), 0
    for _, method in ipairs { "get_route", "hosts", "routes", "info", "changes" } do
        for _ = 1, 100 do
            local other = assert(larshm.open(started.name))
            ffi.gc(ffi.new("char[1]"), function() other:close() end)
            for _ = 1, 5 do
                local done, message = pcall(other[method], other, 1, 1)
                check(done or message:find("this cache is closed", 1, true), message)
                closed = closed + (done and 0 or 1)
            end
            check(larshm.open(started.name)[method](larshm.open(started.name), 1, 1))
        end
    end
    collectgarbage("setpause", 200)
    collectgarbage("setstepmul", 200)
    collectgarbage()
    collectgarbage()
    check(closed > 0 and mappings() <= before, closed, mappings(), before)
end

function tests.one_cache_is_shared_until_it_is_closed()
    local first = assert(larshm.shared(started.name))
    check(larshm.shared(started.name) == first)
    first:close()
    local second = assert(larshm.shared(started.name))
    check(second ~= first and second:get_host(1, 1))
    second:close()
    check(select(3, larshm.shared("no-fetcher-has-run-here")) == larshm.NO_OBJECT)
end

function tests.an_empty_name_is_not_the_default_instance()
    ffi.C.setenv("LARSHM_INSTANCE", started.name, 1)
    local default = assert(larshm.shared())
    check(larshm.shared() == default)
    check(select(3, larshm.shared("")) == larshm.BAD_ARGUMENT)
    default:close()
    ffi.C.unsetenv("LARSHM_INSTANCE")
end

function tests.coroutines_take_turns()
    local threads = {}
    for i = 1, 50 do
        threads[i] = coroutine.wrap(function()
            local host = cache:get_host(1, 1)
            local text = tostring(host)
            for _ = 1, 20 do
                coroutine.yield()
                check(tostring(host) == text and cache:get_host(1, 1))
                check(cache:report(host, 0))
            end
        end)
    end
    for _ = 1, 21 do
        for i = 1, 50 do
            threads[i]()
        end
    end
end

function tests.a_child_of_fork_uses_and_closes_its_cache()
    local pid = ffi.C.fork()
    if pid == 0 then
        local right = pcall(function()
            check(cache:get_host(1, 1):port() == 8080 and cache:report(cache:get_host(1, 1), 0))
            cache:close()
            check(not pcall(cache.get_host, cache, 1, 1))
            collectgarbage()
        end)
        ffi.C._exit(right and 7 or 1)
    end
    local status = ffi.new("int[1]")
    check(ffi.C.waitpid(pid, status, 0) == pid and status[0] == 7 * 256, status[0])
    check(cache:get_host(1, 1))
end

function tests.a_state_that_ends_closes_what_is_open()
    local left_open = ([[
        local larshm = require "larshm"
        cache, batch = assert(larshm.open(%q)), larshm.batch(10)
        hosts = cache:get_route(1, 1)
        shared = larshm.shared(%q)
    ]]):format(started.name, started.name)
    for ending, expected in pairs { [""] = 0, ["os.exit(3)"] = 3, ["os.exit(4, true)"] = 4, ["error(cache)"] = 1 } do
        local said, status = run_text(arg[-1], left_open .. ending)
        check(status == expected, ending, status, said)
    end
end

function tests.the_module_can_be_loaded_twice()
    local path = package.searchpath("larshm", package.path)
    local again = dofile(path)
    check(again ~= larshm and again.open(started.name):get_host(1, 1):address() ~= nil)
end

function tests.a_lua_without_ffi_or_library_says_what_is_missing()
    local path = package.searchpath("larshm", package.path)
    local said, status = run_text(arg[-1], ("package.preload.ffi = error package.loaded.ffi = nil dofile(%q)"):format(path))
    check(status == 1 and said:find("use LuaJIT", 1, true), said)
    said, status = run_text(arg[-1], ("require('ffi').load = error dofile(%q)"):format(path))
    check(status == 1 and said:find("install liblarshm, or name its directory in LD_LIBRARY_PATH", 1, true), said)
    said, status = run_text(arg[-1], ("require('ffi').load = function() return require('ffi').C end dofile(%q)"):format(path))
    check(status == 1 and said:find("older than 0.2", 1, true), said)
    if arg[2] then
        said, status = run_text(arg[2], ("dofile(%q)"):format(path))
        check(status == 1 and said:find("use LuaJIT", 1, true), said)
    end
end

function tests.the_example_calls_each_host()
    local example = package.searchpath("larshm", package.path):gsub("larshm%.lua$", "example.lua")
    local said, status = run(("%s %s %s"):format(arg[-1], example, started.name))
    check(status == 0, said)
    for attempt = 1, 3 do
        check(said:find("attempt " .. attempt .. " calls 10%.0%.0%.[12] port 8080\n"), said)
    end
    check(said:find("10.0.0.1", 1, true) and said:find("10.0.0.2", 1, true), said)
end

function tests.loops_over_lookups_are_compiled()
    local host, batch = larshm.host(), larshm.batch(10)
    for i = 1, 10 do
        batch:set(i, 1, 1)
    end
    local loops = {
        get_host = function(count)
            for _ = 1, count do
                cache:get_host(1, 1, host)
            end
        end,
        get_host_of_a_new_host = function(count)
            local ports = 0
            for _ = 1, count do
                ports = ports + cache:get_host(1, 1):port()
            end
        end,
        address = function(count)
            local length = 0
            for _ = 1, count do
                length = length + #cache:get_host(1, 1, host):address()
            end
        end,
        report = function(count)
            for _ = 1, count do
                cache:report(host, 0)
            end
        end,
        get_host_batch = function(count)
            for _ = 1, count do
                cache:get_host_batch(batch)
            end
        end,
        pending = function(count)
            for _ = 1, count do
                cache:get_host(9, 9, host)
            end
        end,
    }
    for name, loop in pairs(loops) do
        local compiled = false
        local function follow(what, trace, where)
            compiled = compiled or what == "stop" and where == loop and jutil.traceinfo(trace).linktype == "loop"
        end
        jit.flush()
        jit.attach(follow, "trace")
        loop(20000)
        jit.attach(follow)
        check(compiled, name)
    end
end

local names, failed = {}, 0
for name in pairs(tests) do
    names[#names + 1] = name
end
table.sort(names)
local routes = os.tmpname()
local file = io.open(routes, "w")
file:write("route 1 1 10.0.0.1:8080 10.0.0.2:8080\nroute 1 2\n")
file:close()
started = instance.start(arg[1], routes)
cache = assert(larshm.open(started.name))
for _, name in ipairs(names) do
    local passed, message = xpcall(tests[name], debug.traceback)
    print((passed and "ok      " or "FAILED  ") .. name)
    if not passed then
        print(message)
        failed = failed + 1
    end
    cache = larshm.shared(started.name)
end
started:stop()
os.remove(routes)
os.exit(failed == 0 and #names > 0 and 0 or 1)
