// SPDX-License-Identifier: MIT

package larshm

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	dialAttempts = 3               // unless Dialer.Attempts says otherwise
	dialWait     = 5 * time.Second // for the first answer about a route
	namesEnd     = ".larshm"
)

// Dialer connects to the hosts of routes. A host that cannot be connected to is reported, and another one is tried. It may be
// used by many goroutines.
type Dialer struct {
	Handle   *Handle
	Net      net.Dialer
	Attempts int // hosts that are tried, at most 9; 0: 3
	// FailuresOnly leaves reports of successes to the program, which reports how its calls on the connection went, too. A
	// host that takes connections and fails all calls would otherwise count as half a success.
	FailuresOnly bool
}

// Dial connects to a host of a route, and returns it for reports on the calls that follow. It waits up to 5 seconds for a route
// that is not cached yet. If ctx has a deadline, each attempt has an even part of the time that is left.
//
// The outcome is reported, with its duration, unless it says nothing of the host: when ctx is cancelled, or the program itself has
// no descriptor, permission or network left. Then the error is returned at once.
func (d *Dialer) Dial(ctx context.Context, network string, modid, cmdid uint32) (net.Conn, Host, error) {
	attempts := d.attempts()
	var tried []Host
	var failure error // of the last attempt
	for len(tried) < attempts && ctx.Err() == nil {
		host, err := d.pick(ctx, modid, cmdid, tried)
		if err != nil && failure == nil {
			return nil, Host{}, err
		}
		if err != nil || contains(tried, host) {
			break
		}
		conn, took, err := d.dialHost(ctx, network, host, attempts-len(tried))
		if err == nil {
			if !d.FailuresOnly {
				d.Handle.ReportTimed(host, 0, took)
			}
			return conn, host, nil
		}
		if !isOfHost(err) {
			return nil, Host{}, err
		}
		d.Handle.ReportTimed(host, 1, took)
		tried = append(tried, host)
		failure = err
	}
	if failure == nil {
		failure = ctx.Err()
	}
	return nil, Host{}, failure
}

// dialHost has one of so many parts of the time that is left to ctx.
func (d *Dialer) dialHost(ctx context.Context, network string, host Host, parts int) (net.Conn, time.Duration, error) {
	start := time.Now()
	if deadline, set := ctx.Deadline(); set {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, deadline.Sub(start)/time.Duration(parts))
		defer cancel()
	}
	conn, err := d.Net.DialContext(ctx, network, host.String())
	return conn, time.Since(start), err
}

func contains(hosts []Host, host Host) bool {
	for _, other := range hosts {
		if other == host {
			return true
		}
	}
	return false
}

// DialContext is for http.Transport.DialContext and its like: the address "1.2.larshm", with any port or without, is the route
// of modid 1 and cmdid 2. Addresses that do not end in ".larshm" are left to d.Net. A transport keeps connections for later
// requests: it balances connections, not requests.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		name = address
	}
	if !strings.HasSuffix(name, namesEnd) {
		return d.Net.DialContext(ctx, network, address)
	}
	modid, cmdid, err := parseName(strings.TrimSuffix(name, namesEnd))
	if err != nil {
		return nil, &net.AddrError{Err: "not MODID.CMDID.larshm", Addr: address}
	}
	conn, _, err := d.Dial(ctx, network, modid, cmdid)
	return conn, err
}

// parseName: "1.2" is 1, 2.
func parseName(name string) (modid, cmdid uint32, err error) {
	first, second, _ := strings.Cut(name, ".")
	m, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		return 0, 0, err
	}
	c, err := strconv.ParseUint(second, 10, 32)
	return uint32(m), uint32(c), err
}

func (d *Dialer) attempts() int {
	const most = 9 // GetHostExcept takes 8 that were tried
	switch {
	case d.Attempts <= 0:
		return dialAttempts
	case d.Attempts > most:
		return most
	}
	return d.Attempts
}

func (d *Dialer) pick(ctx context.Context, modid, cmdid uint32, tried []Host) (Host, error) {
	host, err := d.Handle.GetHostExcept(modid, cmdid, tried)
	if err != ErrPending {
		return host, err
	}
	wait, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	if err := d.Handle.WaitRoute(wait, modid, cmdid); err != nil {
		return Host{}, err
	}
	return d.Handle.GetHostExcept(modid, cmdid, tried)
}

// isOfHost: the host is to blame, as far as one can know, and not this machine, nor who cancelled the attempt.
func isOfHost(err error) bool {
	var failure net.Error
	return errors.As(err, &failure) && failure.Timeout() ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EHOSTDOWN)
}
