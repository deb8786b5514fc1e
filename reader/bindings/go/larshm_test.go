// SPDX-License-Identifier: MIT

package larshm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"larshm"
)

const route = "route 1 1 10.0.0.1:8080 10.0.0.2:8080"

func expect(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || (want == nil && err != nil) {
		t.Errorf("%v instead of %v", err, want)
	}
}

// calls has every method that an open handle answers with something other than ErrClosed.
var calls = map[string]func(*larshm.Handle) error{
	"GetHost": func(h *larshm.Handle) error { _, err := h.GetHost(1, 1); return err },
	"GetHostExcept": func(h *larshm.Handle) error {
		_, err := h.GetHostExcept(1, 1, []larshm.Host{{Modid: 1, Cmdid: 1}})
		return err
	},
	"GetHostBatch": func(h *larshm.Handle) error {
		_, err := h.GetHostBatch(make([]larshm.Host, 200), make([]larshm.Code, 200))
		return err
	},
	"GetRoute":    func(h *larshm.Handle) error { _, _, err := h.GetRoute(1, 1); return err },
	"Routes":      func(h *larshm.Handle) error { return h.Routes(func(_, _ uint32) bool { return true }) },
	"Hosts":       func(h *larshm.Handle) error { _, err := h.Hosts(1, 1); return err },
	"Info":        func(h *larshm.Handle) error { _, err := h.Info(1, 1); return err },
	"Report":      func(h *larshm.Handle) error { return h.Report(larshm.Host{Modid: 1, Cmdid: 1}, 0) },
	"ReportTimed": func(h *larshm.Handle) error { return h.ReportTimed(larshm.Host{}, 0, time.Second) },
	"WaitRoute": func(h *larshm.Handle) error {
		return h.WaitRoute(context.Background(), 9, 9) // has no answer
	},
	"Next": func(h *larshm.Handle) error { _, _, err := h.Changes().Next(); return err },
	"Wait": func(h *larshm.Handle) error {
		changes := h.Changes()
		changes.Next()
		return changes.Wait(context.Background()) // nothing changes
	},
	"Dial": func(h *larshm.Handle) error {
		_, _, err := (&larshm.Dialer{Handle: h}).Dial(context.Background(), "tcp", 9, 9)
		return err
	},
}

func TestClosedHandlesAreErrors(t *testing.T) {
	closed, _ := open(t, route)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]*larshm.Handle{"closed": closed, "nil": nil, "zero": new(larshm.Handle)} {
		expect(t, h.Close(), larshm.ErrClosed)
		for call, f := range calls {
			if err := f(h); err != larshm.ErrClosed {
				t.Errorf("%s of a %s handle: %v", call, name, err)
			}
		}
	}
}

func TestCloseWhileOthersCallEndsThemWithErrClosed(t *testing.T) {
	_, i := open(t, route)
	for round := 0; round < 20; round++ {
		h, err := larshm.Open(i.name)
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for name, f := range calls {
			for copies := 0; copies < 2; copies++ {
				callers.Add(1)
				go func(name string, f func(*larshm.Handle) error) {
					defer callers.Done()
					for !errors.Is(f(h), larshm.ErrClosed) {
					}
				}(name, f)
			}
		}
		time.Sleep(time.Duration(round) * time.Millisecond / 4)
		closers := make(chan error)
		for n := 0; n < 2; n++ {
			go func() { closers <- h.Close() }()
		}
		if first, second := <-closers, <-closers; (first == nil) == (second == nil) {
			t.Errorf("two Close: %v, %v", first, second)
		}
		callers.Wait()
	}
}

// objects counts this process's mappings of shared memory, and its descriptors for changes.
func objects(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	count := strings.Count(string(maps), "/dev/shm/")
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && strings.HasPrefix(name, "pipe:") {
			count++
		}
	}
	return count
}

func TestHandlesThatAreNoLongerReachedAreClosed(t *testing.T) {
	_, i := open(t, route)
	before := objects(t)
	for n := 0; n < 50; n++ {
		h, err := larshm.Open(i.name)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, h.Changes().Wait(context.Background()), nil)
	}
	for objects(t) > before {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func TestHandlesAreNotCollectedDuringCalls(t *testing.T) {
	_, i := open(t, route)
	var callers sync.WaitGroup
	for n := 0; n < 20; n++ {
		h, err := larshm.Open(i.name)
		if err != nil {
			t.Fatal(err)
		}
		callers.Add(1)
		go func() { // has the only reference
			defer callers.Done()
			hosts, codes := make([]larshm.Host, 10000), make([]larshm.Code, 10000)
			for n := range hosts {
				hosts[n] = larshm.Host{Modid: 1, Cmdid: 1}
			}
			if found, err := h.GetHostBatch(hosts, codes); found != len(hosts) || err != nil {
				t.Error(found, err)
			}
		}()
		runtime.GC()
	}
	callers.Wait()
}

func TestBatchesAreOfOneLength(t *testing.T) {
	h, _ := open(t, route)
	hosts := []larshm.Host{{Modid: 1, Cmdid: 1}}
	_, err := h.GetHostBatch(hosts, nil)
	expect(t, err, larshm.ErrBadArgument)
	_, err = h.GetHostBatch(nil, make([]larshm.Code, 1))
	expect(t, err, larshm.ErrBadArgument)
	if hosts[0] != (larshm.Host{Modid: 1, Cmdid: 1}) {
		t.Error(hosts)
	}
	found, err := h.GetHostBatch(nil, nil)
	if found != 0 || err != nil {
		t.Error(found, err)
	}
}

func TestBatchesMayBeHuge(t *testing.T) {
	h, _ := open(t, route)
	hosts, codes := make([]larshm.Host, 1<<21), make([]larshm.Code, 1<<21)
	for i := range hosts {
		hosts[i] = larshm.Host{Modid: 1, Cmdid: uint32(i % 2)}
		codes[i] = -1
	}
	found, err := h.GetHostBatch(hosts, codes)
	if found != len(hosts)/2 || err != nil {
		t.Error(found, err)
	}
	for i, code := range codes {
		if (i%2 == 1) != (code == larshm.OK) || (i%2 == 1) != (hosts[i].AddrPort().Port() == 8080) {
			t.Fatal(i, code, hosts[i])
		}
	}
}

func TestAFewMoreTriedHostsThanFitAreAnError(t *testing.T) {
	h, _ := open(t, route)
	_, err := h.GetHostExcept(1, 1, make([]larshm.Host, 9))
	expect(t, err, larshm.ErrBadArgument)
	_, err = h.GetHostExcept(1, 1, make([]larshm.Host, 1<<20))
	expect(t, err, larshm.ErrBadArgument)
	host, err := h.GetHostExcept(1, 1, []larshm.Host{at(t, "10.0.0.1:8080")})
	if err != nil || host != at(t, "10.0.0.2:8080") {
		t.Error(host, err)
	}
}

func TestHostsHaveAddressesInGosOrder(t *testing.T) {
	for _, address := range []string{"10.0.0.1:8080", "255.255.255.255:65535", "0.0.0.0:0", "1.2.3.4:258"} {
		if host := at(t, address); host.String() != address || host.AddrPort() != netip.MustParseAddrPort(address) {
			t.Errorf("%s is %s", address, host)
		}
	}
	if host := at(t, "[::ffff:10.0.0.1]:80"); host.String() != "10.0.0.1:80" {
		t.Error(host)
	}
	for _, address := range []netip.AddrPort{{}, netip.MustParseAddrPort("[::1]:80")} {
		_, err := larshm.HostAt(1, 1, address)
		expect(t, err, larshm.ErrBadArgument)
	}
}

func TestReportsRefuseWhatIsNoHost(t *testing.T) {
	h, _ := open(t, route)
	expect(t, h.Report(larshm.Host{Modid: 1, Cmdid: 1}, 0), larshm.ErrBadArgument)
	expect(t, h.Report(at(t, "10.0.0.1:0"), 0), larshm.ErrBadArgument)
	for _, took := range []time.Duration{-1, math.MinInt64, math.MaxInt64, time.Second} {
		expect(t, h.ReportTimed(at(t, "10.0.0.1:8080"), math.MinInt32, took), nil)
	}
}

func TestNamesOfInstancesAreChecked(t *testing.T) {
	for _, name := range []string{"a/b", "a\x00b", "\x00", strings.Repeat("a", 33), strings.Repeat("a", 1<<20)} {
		_, err := larshm.Open(name)
		expect(t, err, larshm.ErrBadArgument)
	}
	_, err := larshm.Open("no-fetcher-has-run-here")
	expect(t, err, larshm.ErrNoObject)
}

func TestSystemErrorsSayWhy(t *testing.T) {
	_, i := open(t, route)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none)
	_, err := larshm.Open(i.name)
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	expect(t, err, larshm.ErrSystem)
	expect(t, err, syscall.EMFILE)
}

func TestCodesHaveTheirNumbersInErrorsToo(t *testing.T) {
	for code, text := range map[larshm.Code]string{larshm.ErrPending: "requested", 12345: "unknown"} {
		err := fmt.Errorf("a call: %w", code)
		var found larshm.Code
		if !errors.As(err, &found) || found != code || !strings.Contains(err.Error(), text) {
			t.Error(err)
		}
	}
}

// What the library says of threads, seen from goroutines.
func TestAGoroutineOnItsThreadGoesRoundTheHosts(t *testing.T) {
	h, _ := open(t, route)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	last, _ := h.GetHost(1, 1)
	for n := 0; n < 1000; n++ {
		host, err := h.GetHost(1, 1)
		if err != nil || host == last {
			t.Fatal(host, err)
		}
		last = host
	}
}

func TestGoroutinesThatChangeThreadsPickEvenly(t *testing.T) {
	h, _ := open(t, route)
	const goroutines, each = 50, 1000
	var picks [goroutines]map[larshm.Host]int
	var callers sync.WaitGroup
	for g := range picks {
		picks[g] = map[larshm.Host]int{}
		callers.Add(1)
		go func(picks map[larshm.Host]int) {
			defer callers.Done()
			for n := 0; n < each; n++ {
				host, err := h.GetHost(1, 1)
				if err != nil {
					t.Error(err)
					return
				}
				picks[host]++
				runtime.Gosched()
			}
		}(picks[g])
	}
	callers.Wait()
	sum := map[larshm.Host]int{}
	for _, of := range picks {
		for host, n := range of {
			sum[host] += n
		}
	}
	if n := sum[at(t, "10.0.0.1:8080")]; len(sum) != 2 || n < goroutines*each*45/100 || n > goroutines*each*55/100 {
		t.Error(sum)
	}
}

func TestLookupsAllocateNothing(t *testing.T) {
	h, _ := open(t, route)
	hosts, codes := []larshm.Host{at(t, "10.0.0.1:8080")}, make([]larshm.Code, 1)
	for name, f := range map[string]func(){
		"GetHost":         func() { h.GetHost(1, 1) },
		"a failure":       func() { h.GetHost(9, 9) },
		"GetHostExcept":   func() { h.GetHostExcept(1, 1, hosts) },
		"GetHostBatch":    func() { h.GetHostBatch(hosts, codes) },
		"Report":          func() { h.Report(hosts[0], 0) },
		"a closed handle": func() { (*larshm.Handle)(nil).GetHost(1, 1) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v", name, n)
		}
	}
}
