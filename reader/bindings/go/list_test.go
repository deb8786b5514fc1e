// SPDX-License-Identifier: MIT

package larshm_test

import (
	"fmt"
	"testing"
	"time"

	"larshm"
)

func TestRoutesOfManyHostsAreWhole(t *testing.T) {
	h, _ := open(t, "route 1 1 10.0.0.1:1-1000")
	infos, err := h.Hosts(1, 1)
	expect(t, err, nil)
	hosts, states, err := h.GetRoute(1, 1)
	expect(t, err, nil)
	seen := map[larshm.Host]int{}
	for i, host := range hosts {
		if states[i] == larshm.InRotation {
			seen[host]++
		}
	}
	for _, info := range infos {
		if info.State == larshm.InRotation && info.Share == 8 {
			seen[info.Host]++
		}
	}
	if len(infos) != 1000 || len(hosts) != 1000 || len(states) != 1000 || len(seen) != 1000 || seen[at(t, "10.0.0.1:1000")] != 2 {
		t.Error(len(infos), len(hosts), len(states), len(seen))
	}
}

func TestHostsHaveTheirRecords(t *testing.T) {
	h, _ := open(t, route, "eject 1 1 10.0.0.2:8080")
	good := at(t, "10.0.0.1:8080")
	for n := 0; n < 3; n++ {
		expect(t, h.Report(good, int32(n)), nil)
	}
	for {
		infos, err := h.Hosts(1, 1)
		if err != nil || len(infos) != 2 {
			t.Fatal(infos, err)
		}
		for _, info := range infos {
			if info.Host != good && (info.State != larshm.Ejected || info.Share != 0) {
				t.Fatal(info)
			}
			if info.Host == good && info.Known && info.Successes == 1 && info.Failures == 2 {
				return
			}
		}
		time.Sleep(time.Millisecond) // until the instance has collected the results
	}
}

func TestRoutesVisitsEachOnceUntilItIsToldToStop(t *testing.T) {
	const count = 1000
	lines := []string{"route 4294967295 4294967294"}
	for n := 1; n < count; n++ {
		lines = append(lines, fmt.Sprintf("route 7 %d 10.0.0.1:80", n))
	}
	h, _ := open(t, lines...)
	seen := map[[2]uint32]int{}
	expect(t, h.Routes(func(modid, cmdid uint32) bool {
		seen[[2]uint32{modid, cmdid}]++
		return true
	}), nil)
	if len(seen) != count || seen[[2]uint32{4294967295, 4294967294}] != 1 || seen[[2]uint32{7, count - 1}] != 1 {
		t.Error(len(seen))
	}
	visits := 0
	expect(t, h.Routes(func(_, _ uint32) bool {
		visits++
		return visits < 300
	}), nil)
	if visits != 300 {
		t.Error(visits)
	}
}

func TestRoutesMayBeClosedOrPanicMeanwhile(t *testing.T) {
	h, _ := open(t, route, "route 1 2 10.0.0.1:80")
	func() {
		defer func() { recover() }()
		h.Routes(func(_, _ uint32) bool { panic("in a visit") })
	}()
	visits := 0
	expect(t, h.Routes(func(modid, cmdid uint32) bool {
		h.Close()
		_, err := h.GetHost(modid, cmdid)
		expect(t, err, larshm.ErrClosed)
		visits++
		return true
	}), nil)
	if visits != 2 {
		t.Error(visits)
	}
}

func TestRoutesThatEndEarlyHoldNoOldObjects(t *testing.T) {
	h, i := open(t, route)
	before := objects(t)
	for n := 0; n < 5; n++ {
		expect(t, h.Routes(func(_, _ uint32) bool { return false }), nil)
		expect(t, i.do("generation"), nil)
		_, err := h.GetHost(1, 1)
		expect(t, err, nil)
	}
	for objects(t) > before {
		h.GetHost(1, 1)
		time.Sleep(time.Millisecond)
	}
}

func TestNamesOfStatesAndReasons(t *testing.T) {
	for _, names := range [][2]fmt.Stringer{
		{larshm.InRotation, larshm.HostState(99)},
		{larshm.ReasonTimeout, larshm.HostReason(99)},
		{larshm.OverridePinned, larshm.HostOverride(99)},
	} {
		if names[0].String() == "" || names[1].String() != "99" {
			t.Error(names)
		}
	}
}
