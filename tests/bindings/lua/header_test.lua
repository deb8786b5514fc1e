-- SPDX-License-Identifier: MIT
-- usage: luajit header_test.lua LARSHM_H
-- Codes, layouts and functions that larshm.lua declares are those of larshm.h.
local ffi = require "ffi"
local larshm = require "larshm"

local failed = false

local function check(condition, ...)
    if not condition then
        print(...)
        failed = true
    end
end

local function read(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

-- What LuaJIT's parser takes: without comments, lines of the preprocessor, C++ and functions with a body.
local header = read(arg[1]):gsub("/%*.-%*/", ""):gsub("#ifdef __cplusplus.-#endif", ""):gsub("\\\n", "")
    :gsub("\n#[^\n]*", ""):gsub("static __inline__[^;{]-%)%s*;", ""):gsub("static __inline__[^;{]-%)%s*%b{}", "")

-- Declared under other names: those of larshm.lua are what it uses.
ffi.cdef("typedef uint32_t in_addr_t; typedef uint16_t in_port_t;" .. header:gsub("(larshm_[a-z_]+)%(", "of_header_%1("))

for name, number in header:match("enum larshm_status (%b{})"):gmatch("LARSHM_([A-Z_]+) = (%d+)") do
    check(larshm[name] == tonumber(number), name, "is", larshm[name], "and not", number)
end
for name, code in pairs(larshm) do
    if type(code) == "number" then
        check(header:find("LARSHM_" .. name .. " = " .. code .. "%D"), name, "is no code of larshm.h")
    end
end

local renamed = { addr = "addr_bytes", port = "port_bytes" }
local compared = 0
for name, ctype in pairs(larshm.ctypes) do
    local of_header = ffi.typeof("larshm_" .. name)
    check(ffi.sizeof(ctype) == ffi.sizeof(of_header), name, "has", ffi.sizeof(ctype), "bytes")
    local members = header:match("typedef struct larshm_" .. name .. " (%b{})")
    for member in members:gmatch("([a-z_]+)[%[%d%]]*;") do
        compared = compared + 1
        check(ffi.offsetof(ctype, renamed[member] or member) == ffi.offsetof(of_header, member), name, member)
    end
end
check(compared > 15, "members found:", compared)

-- "uint32_t modid" becomes "uint32_t", "const larshm_host *tried" "pointer".
local function kind(parameter)
    if parameter:find("*", 1, true) then
        return "pointer"
    end
    return parameter:gsub("^%s+", ""):gsub("%s+$", ""):gsub("^enum [a-z_]+", "int"):match("^%S+")
end

local function signature(text, name)
    local returned, parameters = text:match("\n([a-z_ ]-[%s*])" .. name .. "(%b())%s*;")
    if not returned then
        return nil
    end
    local kinds = { kind(returned) }
    for parameter in parameters:sub(2, -2):gmatch("[^,]+") do
        kinds[#kinds + 1] = kind(parameter)
    end
    return table.concat(kinds, " ")
end

local declarations = read(package.searchpath("larshm", package.path)):match("ffi%.cdef %[%[(.-)%]%]")
local functions = 0
for name in declarations:gmatch("(larshm_[a-z_]+)%(") do
    functions = functions + 1
    local ours, of_header = signature(declarations, name), signature(header, name)
    check(ours and ours == of_header, name, "is", ours, "and in larshm.h", of_header)
end
check(functions > 10, "functions found:", functions)
os.exit(failed and 1 or 0)
