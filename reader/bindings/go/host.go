// SPDX-License-Identifier: MIT

package larshm

/*
#include "glue.h"
*/
import "C"

import (
	"net/netip"
	"unsafe"
)

// Host is a host of a route, or, with Modid and Cmdid alone, the name of a route in a batch. It is plain data: copy, compare and
// keep it as long as you like. Its layout is that of larshm_host, so batches pass slices of it without a copy.
type Host struct {
	Modid, Cmdid uint32
	addr         uint32 // network byte order
	port         uint16 // network byte order
	_            uint16 // go vet 1.19 does not know that the compiler pads the end
}

// Two arrays that are assigned to each other have the same length, or this does not compile.
var (
	_ [unsafe.Sizeof(Host{})]byte         = [unsafe.Sizeof(C.larshm_host{})]byte{}
	_ [unsafe.Alignof(Host{})]byte        = [unsafe.Alignof(C.larshm_host{})]byte{}
	_ [unsafe.Offsetof(Host{}.Modid)]byte = [unsafe.Offsetof(C.larshm_host{}.modid)]byte{}
	_ [unsafe.Offsetof(Host{}.Cmdid)]byte = [unsafe.Offsetof(C.larshm_host{}.cmdid)]byte{}
	_ [unsafe.Offsetof(Host{}.addr)]byte  = [unsafe.Offsetof(C.larshm_host{}.addr)]byte{}
	_ [unsafe.Offsetof(Host{}.port)]byte  = [unsafe.Offsetof(C.larshm_host{}.port)]byte{}
	_ [unsafe.Sizeof(Host{}.addr)]byte    = [unsafe.Sizeof(C.larshm_host{}.addr)]byte{}
	_ [unsafe.Sizeof(Host{}.port)]byte    = [unsafe.Sizeof(C.larshm_host{}.port)]byte{}
	_ [unsafe.Sizeof(Code(0))]byte        = [unsafe.Sizeof(C.int(0))]byte{}
	_ [unsafe.Sizeof(HostState(0))]byte   = [unsafe.Sizeof(C.enum_larshm_host_state(0))]byte{}
)

// HostAt is the host of a route at an address, to report on it, or to have it left out of a pick. ErrBadArgument: it is no IPv4
// address.
func HostAt(modid, cmdid uint32, at netip.AddrPort) (Host, error) {
	address := at.Addr().Unmap()
	if !address.Is4() {
		return Host{}, ErrBadArgument
	}
	host := Host{Modid: modid, Cmdid: cmdid}
	*(*[4]byte)(unsafe.Pointer(&host.addr)) = address.As4()
	*(*[2]byte)(unsafe.Pointer(&host.port)) = [2]byte{byte(at.Port() >> 8), byte(at.Port())}
	return host, nil
}

// AddrPort is the host's address and port, in Go's order.
func (h Host) AddrPort() netip.AddrPort {
	port := *(*[2]byte)(unsafe.Pointer(&h.port))
	return netip.AddrPortFrom(netip.AddrFrom4(*(*[4]byte)(unsafe.Pointer(&h.addr))), uint16(port[0])<<8|uint16(port[1]))
}

// String is "10.0.0.1:8080", as net.Dial wants it.
func (h Host) String() string {
	return h.AddrPort().String()
}
