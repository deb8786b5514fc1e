-- SPDX-License-Identifier: MIT
--- larshm for LuaJIT and OpenResty: look up Lars routes in shared memory.
--
--      local larshm = require "larshm"
--      local cache = assert(larshm.open())
--      local host, message, code = cache:get_host(1, 2)
--
-- What can go wrong at run time comes as nil, a message that says what to do, and a code of larshm(3), such as
-- larshm.PENDING. A wrong argument is the program's mistake and raises an error, as does the use of a closed cache.
-- README.md beside this file says the rest, and what must not be called in nginx.

local has_ffi, ffi = pcall(require, "ffi")
if not has_ffi then
    error("larshm: this Lua has no module ffi: use LuaJIT (package luajit or luajit2), or nginx's Lua module", 0)
end

-- Types have no names and pointers to them are void: so this file can be loaded twice, and beside other code that
-- declares the functions of larshm.h. A test compares all of it with that header.
ffi.cdef [[
struct larshm;
const char *larshm_version(void);
const char *larshm_strerror(int code);
int larshm_open(struct larshm **out, const char *instance);
int larshm_open_wait(struct larshm **out, const char *instance, int timeout_ms);
void larshm_close(struct larshm *h);
int larshm_get_host(struct larshm *h, uint32_t modid, uint32_t cmdid, void *host);
int larshm_get_host_except(struct larshm *h, uint32_t modid, uint32_t cmdid, const void *tried, size_t count,
                           void *host);
size_t larshm_get_host_batch(struct larshm *h, void *hosts, int *codes, size_t count);
int larshm_get_route_states(struct larshm *h, uint32_t modid, uint32_t cmdid, void *buf, int *states, size_t cap,
                            size_t *count);
int larshm_report(struct larshm *h, const void *host, int retcode);
int larshm_report_timed(struct larshm *h, const void *host, int retcode, uint32_t duration_ms);
int larshm_wait_route(struct larshm *h, uint32_t modid, uint32_t cmdid, int timeout_ms);
int larshm_next_change(struct larshm *h, uint64_t *since, uint32_t *modid, uint32_t *cmdid);
int larshm_wait_change(struct larshm *h, uint64_t *since, int timeout_ms);
int larshm_change_fd(struct larshm *h, int *fd);
int larshm_routes_begin(struct larshm *h, void *all);
int larshm_routes_next(void *all, uint32_t *modid, uint32_t *cmdid);
void larshm_routes_end(struct larshm *h, void *all);
int larshm_hosts_begin(struct larshm *h, uint32_t modid, uint32_t cmdid, void *hosts);
int larshm_hosts_next_sized(void *hosts, void *info, size_t size);
void larshm_hosts_end(struct larshm *h, void *hosts);
int larshm_info_sized(struct larshm *h, uint32_t modid, uint32_t cmdid, void *info, size_t size);
char *strerror(int errnum);
]]

local loaded, C = pcall(ffi.load, "liblarshm.so.0")
if not loaded then
    error("larshm: " .. C .. "; install liblarshm, or name its directory in LD_LIBRARY_PATH", 0)
end
-- Found now: when a state ends, the library is closed before the collector closes what is left open. Its code stays.
local has_close, larshm_close = pcall(function() return C.larshm_hosts_begin and C.larshm_close end)
if not has_close then
    error("larshm: liblarshm.so.0 is older than 0.2: install the one that this file came with", 0)
end

local larshm = {
    OK = 0,
    OVERLOAD = 1,
    SYSTEM_ERROR = 2,
    NOEXIST = 3,
    PENDING = 4,
    FULL = 5,
    STALE = 6,
    TIMEOUT = 7,
    NO_OBJECT = 8,
    NO_PERMISSION = 9,
    FOREIGN = 10,
    UNSAFE = 11,
    SHORT = 12,
    NOT_LARSHM = 13,
    LAYOUT = 14,
    CORRUPT = 15,
    BAD_ARGUMENT = 16,
    CUT_OFF = 17,
    END = 18,
    OVERRUN = 19,
}

local UINT32_MAX = 4294967295
local INT_MIN, INT_MAX = -2147483648, 2147483647
local MAX_TRIED = 8
local BATCH_MAX = 1048576
local ADDRESSES_MAX = 4096
local STATES = { [0] = "rotation", "ejected", "drained" }
local REASONS = {
    [0] = "birth", "err_rate", "err_streak", "window", "good_window", "succ_rate", "succ_streak", "timeout",
}
local OVERRIDES = { [0] = "none", "pinned", "drained" }

local floor, istype, type = math.floor, ffi.istype, type

-- Blames the line that called the function of ours whose helper calls this.
local function mistake(name, expected, value)
    error(("larshm: %s must be %s, not %s (%s)"):format(name, expected, tostring(value), type(value)), 4)
end

local function integer(value, least, most, name)
    if type(value) ~= "number" or not (value >= least and value <= most) or floor(value) ~= value then
        mistake(name, ("a whole number from %.0f to %.0f"):format(least, most), value)
    end
    return value
end

local function id(value, name)
    return integer(value, 0, UINT32_MAX, name)
end

local function table_or_mistake(value, name, expected)
    if type(value) ~= "table" then
        mistake(name, expected, value)
    end
    return value
end

local messages = {}

--- The meaning of a code and what to do next.
function larshm.strerror(code)
    integer(code, INT_MIN, INT_MAX, "code")
    return messages[code] or ffi.string(C.larshm_strerror(code))
end

for name, code in pairs(larshm) do
    if type(code) == "number" then
        messages[code] = larshm.strerror(code)
    end
end

local function failure(code)
    local message = larshm.strerror(code)
    if code == larshm.SYSTEM_ERROR then
        message = message .. ": " .. ffi.string(ffi.C.strerror(ffi.errno()))
    end
    return nil, message, code
end

-- struct larshm_host with the bytes of address and port, which are in network byte order.
local host_methods = {}
local host_t = ffi.metatype("struct { uint32_t modid, cmdid; uint8_t addr_bytes[4], port_bytes[2]; }", {
    __index = host_methods,
    __tostring = function(host)
        local byte = host.addr_bytes
        return ("%d.%d.%d.%d:%d"):format(byte[0], byte[1], byte[2], byte[3], host:port())
    end,
})
local hosts_t = ffi.typeof("$[?]", host_t)

local addresses, addresses_count = {}, 0

--- The address as text. Texts are kept, so the next host with this address makes no string.
function host_methods:address()
    local byte = self.addr_bytes
    local number = ((byte[0] * 256 + byte[1]) * 256 + byte[2]) * 256 + byte[3]
    local text = addresses[number]
    if not text then
        if addresses_count == ADDRESSES_MAX then
            addresses, addresses_count = {}, 0
        end
        text = ("%d.%d.%d.%d"):format(byte[0], byte[1], byte[2], byte[3])
        addresses[number], addresses_count = text, addresses_count + 1
    end
    return text
end

function host_methods:port()
    return self.port_bytes[0] * 256 + self.port_bytes[1]
end

local function host_or_mistake(host, name)
    if not istype(host_t, host) then
        mistake(name, "a host, as larshm.host() or get_host() returns it", host)
    end
    return host
end

-- Where a pick goes: the caller's host, or a new one.
local function output(host)
    if not host then
        return host_t()
    end
    return host_or_mistake(host, "host")
end

local function set_address(host, address)
    local bytes = { tostring(address):match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
    for i = 1, 4 do
        local byte = tonumber(bytes[i])
        if not byte or byte > 255 then
            mistake("address", 'a text such as "10.0.0.1"', address)
        end
        host.addr_bytes[i - 1] = byte
    end
end

--- A host: an empty one for get_host() to fill in, or the one that four values name.
function larshm.host(modid, cmdid, address, port)
    local host = host_t()
    if modid == nil and cmdid == nil and address == nil and port == nil then
        return host
    end
    host.modid, host.cmdid = id(modid, "modid"), id(cmdid, "cmdid")
    set_address(host, address)
    integer(port, 0, 65535, "port")
    host.port_bytes[0], host.port_bytes[1] = floor(port / 256), port % 256
    return host
end

local batch = {}
local batch_metatable = { __index = batch, __metatable = false }

-- Entries are 1 to count, as in Lua; element 0 of the arrays is not used.
local function entry(self, i)
    return integer(i, 1, self.private_count, "the number of an entry")
end

--- Room for `count` lookups in one call.
function larshm.batch(count)
    integer(count, 0, BATCH_MAX, "count")
    return setmetatable(
        { private_count = count, private_hosts = hosts_t(count + 1), private_codes = ffi.new("int[?]", count + 1) },
        batch_metatable)
end

--- Names the route of entry i, 1 to count.
function batch:set(i, modid, cmdid)
    i = entry(self, i)
    local host = self.private_hosts[i]
    host.modid, host.cmdid = id(modid, "modid"), id(cmdid, "cmdid")
    self.private_codes[i] = larshm.PENDING
end

--- The host that entry i got, in `host` if that is given; or nil, message, code.
function batch:get(i, host)
    i = entry(self, i)
    local code = self.private_codes[i]
    if code ~= 0 then
        return failure(code)
    end
    host = output(host)
    ffi.copy(host, self.private_hosts + i, ffi.sizeof(host_t))
    return host
end

-- A struct and no table: its methods cost a compiled loop nothing.
local cache = {}
local cache_t = ffi.metatype("struct { struct larshm *private_handle; uint32_t private_open, private_lists; }", {
    __index = cache,
    __gc = function(self) self:close() end,
})

-- The handle. To read it may run the collector, and a finalizer that closes this cache: so the look at private_open comes
-- after that, and each call of C has this as the last of its arguments that is worked out.
local function opened(self)
    local handle = istype(cache_t, self) and self.private_handle
    if not handle or self.private_open == 0 then
        error("larshm: this cache is closed", 3)
    end
    return handle
end

-- Whether C sees all of the name. Another type is a mistake.
local function instance_name(instance)
    if instance ~= nil and type(instance) ~= "string" then
        mistake("instance", "a text or nil", instance)
    end
    return instance == nil or not instance:find("\0", 1, true)
end

--- Opens the routes of an instance: nil is $LARSHM_INSTANCE, or "default". With timeout_ms it waits so long for the first
-- fetcher, forever if that is negative.
function larshm.open(instance, timeout_ms)
    if not instance_name(instance) then
        return failure(larshm.BAD_ARGUMENT)
    end
    local out = ffi.new("struct larshm *[1]")
    local code
    if timeout_ms == nil then
        code = C.larshm_open(out, instance)
    else
        code = C.larshm_open_wait(out, instance, integer(timeout_ms, INT_MIN, INT_MAX, "timeout_ms"))
    end
    if code ~= 0 then
        return failure(code)
    end
    return cache_t(out[0], 1, 0)
end

local shared = {}
local DEFAULT = {} -- stands for nil among its keys

--- The one cache of this Lua state for an instance: opened by the first call that can.
function larshm.shared(instance)
    instance_name(instance)
    local key = instance or DEFAULT
    local known = shared[key]
    if known and known.private_open == 1 then
        return known
    end
    local opened_now, message, code = larshm.open(instance)
    shared[key] = opened_now
    return opened_now, message, code
end

--- Closes the cache. A second time is fine.
function cache:close()
    if istype(cache_t, self) and self.private_open == 1 then
        self.private_open = 0
        if self.private_lists == 0 then
            larshm_close(self.private_handle)
        end
    end
end

-- Begins a list, and runs fill() while it is open; the code is that of begin(). The list ends, also if fill() raises an error
-- for lack of memory; a finalizer that closes the cache meanwhile leaves the rest to the end of the list.
local function while_listing(self, handle, begin, fill, finish)
    self.private_lists = self.private_lists + 1
    local code, done, message = begin(handle), true, nil
    if code == 0 then
        done, message = pcall(fill)
        finish(handle)
    end
    self.private_lists = self.private_lists - 1
    if self.private_lists == 0 and self.private_open == 0 then
        larshm_close(self.private_handle)
    end
    if not done then
        error(message, 0)
    end
    return code
end

--- Picks a host of the route, each in turn: into `host`, or into a new one.
function cache:get_host(modid, cmdid, host)
    host, modid, cmdid = output(host), id(modid, "modid"), id(cmdid, "cmdid")
    local code = C.larshm_get_host(opened(self), modid, cmdid, host)
    if code ~= 0 then
        return failure(code)
    end
    return host
end

local tried_hosts = hosts_t(MAX_TRIED)

--- Picks a host for another attempt, one that is not in `tried`, an array of up to 8 hosts.
function cache:get_host_except(modid, cmdid, tried, host)
    host, modid, cmdid = output(host), id(modid, "modid"), id(cmdid, "cmdid")
    local count = #table_or_mistake(tried, "tried", "an array of hosts")
    if count > MAX_TRIED then
        return failure(larshm.BAD_ARGUMENT)
    end
    for i = 1, count do
        tried_hosts[i - 1] = host_or_mistake(tried[i], "each of the tried hosts")
    end
    local code = C.larshm_get_host_except(opened(self), modid, cmdid, tried_hosts, count, host)
    if code ~= 0 then
        return failure(code)
    end
    return host
end

local function batch_or_mistake(entries)
    if type(entries) ~= "table" or not entries.private_count then
        mistake("entries", "what larshm.batch() returns", entries)
    end
    return entries
end

--- Looks up all entries of the batch. Returns how many got a host.
function cache:get_host_batch(entries)
    local count = batch_or_mistake(entries).private_count
    local hosts, codes = entries.private_hosts + 1, entries.private_codes + 1
    return tonumber(C.larshm_get_host_batch(opened(self), hosts, codes, count))
end

--- An array of the route's hosts, each a table of `host` and `state`: "rotation", "ejected" or "drained".
function cache:get_route(modid, cmdid)
    id(modid, "modid")
    id(cmdid, "cmdid")
    local count = ffi.new("size_t[1]", 16)
    local room, buffer, states
    repeat
        room = tonumber(count[0])
        buffer, states = hosts_t(room), ffi.new("int[?]", room)
        local code = C.larshm_get_route_states(opened(self), modid, cmdid, buffer, states, room, count)
        if code ~= 0 then
            return failure(code)
        end
    until count[0] <= room
    local hosts = {}
    for i = 0, tonumber(count[0]) - 1 do
        hosts[i + 1] = { host = host_t(buffer[i]), state = STATES[states[i]] or "rotation" }
    end
    return hosts
end

local hosts_list_t = ffi.typeof [[struct {
    void *private_mapping;
    const void *private_block;
    void *private_records;
    uint64_t private_ref, private_later[3];
    uint32_t private_count, private_next;
}]]
local host_info_t = ffi.typeof([[struct {
    $ host;
    uint32_t state, share, known, reason, override, value, limit, window_successes, window_failures, ejections;
    uint64_t successes, failures, reason_age_ms, ejected_left_ms;
}]], host_t)

local function host_info(info)
    return {
        host = host_t(info.host),
        state = STATES[info.state] or "rotation",
        share = info.share,
        known = info.known ~= 0,
        reason = REASONS[info.reason] or "unknown",
        override = OVERRIDES[info.override] or "unknown",
        value = info.value,
        limit = info.limit,
        window_successes = info.window_successes,
        window_failures = info.window_failures,
        ejections = info.ejections,
        successes = tonumber(info.successes),
        failures = tonumber(info.failures),
        reason_age_ms = tonumber(info.reason_age_ms),
        ejected_left_ms = tonumber(info.ejected_left_ms),
    }
end

--- Likewise with the fetcher's record of each host, as the members of larshm_host_info; it makes some system calls.
function cache:hosts(modid, cmdid)
    modid, cmdid = id(modid, "modid"), id(cmdid, "cmdid")
    local list, info, infos, last = hosts_list_t(), host_info_t(), {}, 0
    local function begin(handle) return C.larshm_hosts_begin(handle, modid, cmdid, list) end
    local function finish(handle) C.larshm_hosts_end(handle, list) end
    local function fill()
        last = C.larshm_hosts_next_sized(list, info, ffi.sizeof(host_info_t))
        while last == 0 do
            infos[#infos + 1] = host_info(info)
            last = C.larshm_hosts_next_sized(list, info, ffi.sizeof(host_info_t))
        end
    end
    local code = while_listing(self, opened(self), begin, fill, finish)
    if code ~= 0 then
        return failure(code)
    elseif last ~= larshm.END then
        return failure(last)
    end
    return infos
end

local modid_out, cmdid_out = ffi.new("uint32_t[1]"), ffi.new("uint32_t[1]")
local routes_list_t = ffi.typeof [[struct {
    void *private_mapping;
    uint64_t private_later[2];
    uint32_t private_slot, private_unused;
}]]

--- For the loop `for modid, cmdid in cache:routes() do`: all routes that are cached now. They are copied first.
function cache:routes()
    local list, keys, count = routes_list_t(), {}, 0
    local function begin(handle) return C.larshm_routes_begin(handle, list) end
    local function finish(handle) C.larshm_routes_end(handle, list) end
    local function fill()
        while C.larshm_routes_next(list, modid_out, cmdid_out) == 0 do
            keys[count + 1], keys[count + 2] = modid_out[0], cmdid_out[0]
            count = count + 2
        end
    end
    local code = while_listing(self, opened(self), begin, fill, finish)
    if code ~= 0 then
        error("larshm: " .. larshm.strerror(code), 2)
    end
    local at = -1
    return function()
        at = at + 2
        return keys[at], keys[at + 1]
    end
end

local function reported(code)
    if code ~= 0 then
        return failure(code)
    end
    return true
end

--- Reports the outcome of a call to the host: 0 is a success, anything else a failure.
function cache:report(host, retcode)
    host_or_mistake(host, "host")
    integer(retcode, INT_MIN, INT_MAX, "retcode")
    return reported(C.larshm_report(opened(self), host, retcode))
end

--- Likewise, for a call that took duration_ms.
function cache:report_timed(host, retcode, duration_ms)
    host_or_mistake(host, "host")
    integer(retcode, INT_MIN, INT_MAX, "retcode")
    integer(duration_ms, 0, UINT32_MAX, "duration_ms")
    return reported(C.larshm_report_timed(opened(self), host, retcode, duration_ms))
end

--- Looks the route up and waits for the directory's answer: true, or nil, message, code. Blocks the whole process: never in
-- nginx's request phases, where ngx.sleep() between calls of get_host() does it.
function cache:wait_route(modid, cmdid, timeout_ms)
    modid, cmdid = id(modid, "modid"), id(cmdid, "cmdid")
    integer(timeout_ms, INT_MIN, INT_MAX, "timeout_ms")
    return reported(C.larshm_wait_route(opened(self), modid, cmdid, timeout_ms))
end

local changes = {}
local changes_metatable = { __index = changes, __metatable = false }

--- A position among the changes of all routes.
function cache:changes()
    opened(self)
    return setmetatable({ private_cache = self, private_since = ffi.new("uint64_t[1]") }, changes_metatable)
end

--- The modid and cmdid of the route that has changed next. The codes else: END: no more so far. OVERRUN, also the first time:
-- changes were missed, look at all routes, then go on.
function changes:next()
    local code = C.larshm_next_change(opened(self.private_cache), self.private_since, modid_out, cmdid_out)
    if code ~= 0 then
        return failure(code)
    end
    return modid_out[0], cmdid_out[0]
end

--- Waits until next() has something new: true, or nil, message, code. Blocks the whole process: not in nginx.
function changes:wait(timeout_ms)
    integer(timeout_ms, INT_MIN, INT_MAX, "timeout_ms")
    local since = ffi.new("uint64_t[1]", self.private_since[0])
    return reported(C.larshm_wait_change(opened(self.private_cache), since, timeout_ms))
end

--- A descriptor for event loops, which becomes readable when something has changed: then read 8 bytes from it, and look. It
-- is the cache's: do not close it. In nginx poll changes:next() in a timer instead.
function cache:change_fd()
    local fd = ffi.new("int[1]")
    local code = C.larshm_change_fd(opened(self), fd)
    if code ~= 0 then
        return failure(code)
    end
    return fd[0]
end

local route_info_t = ffi.typeof [[struct {
    uint64_t version, age_ms;
    uint32_t update_timeout_s, hosts;
    uint64_t fetcher_silent_ms;
    uint8_t pulling, expired, fetcher_alive, connected, can_ask, reserved[3];
    int32_t cut_off;
    uint32_t ejected, drained, spared;
    uint64_t snapshot_unix_ms;
}]]

--- The age of the route and the state of its fetcher, as a table with the members of larshm_route_info. For a route that
-- does not exist or is not cached it comes as a fourth value, after nil, message and code.
function cache:info(modid, cmdid)
    local info = route_info_t()
    modid, cmdid = id(modid, "modid"), id(cmdid, "cmdid")
    local size = ffi.sizeof(route_info_t)
    local code = C.larshm_info_sized(opened(self), modid, cmdid, info, size)
    if code ~= 0 and code ~= larshm.NOEXIST and code ~= larshm.PENDING then
        return failure(code)
    end
    local members = {
        version = tonumber(info.version),
        age_ms = tonumber(info.age_ms),
        update_timeout_s = info.update_timeout_s,
        hosts = info.hosts,
        fetcher_silent_ms = tonumber(info.fetcher_silent_ms),
        pulling = info.pulling ~= 0,
        expired = info.expired ~= 0,
        fetcher_alive = info.fetcher_alive ~= 0,
        connected = info.connected ~= 0,
        can_ask = info.can_ask ~= 0,
        cut_off = info.cut_off,
        ejected = info.ejected,
        drained = info.drained,
        spared = info.spared,
        snapshot_unix_ms = tonumber(info.snapshot_unix_ms),
    }
    if code ~= 0 then
        return nil, larshm.strerror(code), code, members
    end
    return members
end

--- The version of liblarshm that is loaded.
function larshm.version()
    return ffi.string(C.larshm_version())
end

--- The C types, for code that uses FFI itself.
larshm.ctypes = {
    host = host_t, host_info = host_info_t, hosts = hosts_list_t, route_info = route_info_t, routes = routes_list_t,
}

return larshm
