-- SPDX-License-Identifier: MIT
-- Starts bindings_instance as a child, for the tests in Lua.
local ffi = require "ffi"
ffi.cdef "int getpid(void);"

local instance = {}
instance.__index = instance

--- The instance has what `file` says, an optional file of routes. `name` is the instance's.
function instance.start(program, file)
    local name = ("lua-%d-%d"):format(ffi.C.getpid(), math.random(0, 999999))
    local fifo = os.tmpname()
    os.remove(fifo)
    assert(os.execute("mkfifo -m 600 " .. fifo) == 0, "no mkfifo")
    local input = assert(io.popen(("exec '%s' %s %s >%s"):format(program, name, file or "", fifo), "w"))
    local output = assert(io.open(fifo))
    os.remove(fifo)
    assert(output:read() == "ready", "bindings_instance did not start")
    input:setvbuf("no")
    return setmetatable({ name = name, input = input, output = output }, instance)
end

--- A line such as "eject 1 1 10.0.0.1:80".
function instance:say(line)
    self.input:write(line, "\n")
    assert(self.output:read() == "done", line)
end

--- Removes its objects.
function instance:stop()
    self.input:close()
    self.output:close()
end

math.randomseed(os.time() + ffi.C.getpid())
return instance
