// SPDX-License-Identifier: MIT

// What tools/languages measures in Go: `bench INSTANCE MODID CMDID COUNT` prints "CALL<TAB>NS" for each call.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"larshm"
)

const chunk = 1000 // hosts

type bench struct {
	routes       *larshm.Handle
	modid, cmdid uint32
	count        int
}

// measure prints the median of many short runs, for one of the hosts that call gives at a time.
func (b *bench) measure(name string, hosts int, call func() error) error {
	ns := make([]float64, b.count/chunk+1)
	for i := range ns {
		start := time.Now()
		for n := 0; n < chunk; n += hosts {
			if err := call(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		ns[i] = float64(time.Since(start).Nanoseconds()) / chunk
	}
	sort.Float64s(ns)
	fmt.Printf("%s\t%.1f\n", name, ns[len(ns)/2])
	return nil
}

func (b *bench) batch(name string, size int) error {
	hosts, codes := make([]larshm.Host, size), make([]larshm.Code, size)
	for i := range hosts {
		hosts[i] = larshm.Host{Modid: b.modid, Cmdid: b.cmdid}
	}
	return b.measure(name, size, func() error {
		if found, err := b.routes.GetHostBatch(hosts, codes); err != nil || found == size {
			return err
		}
		return codes[0]
	})
}

func (b *bench) all() error {
	host, err := b.routes.GetHost(b.modid, b.cmdid)
	if err != nil {
		return err
	}
	tried := []larshm.Host{host}
	calls := []struct {
		name string
		call func() error
	}{
		{"get_host", func() error { _, err := b.routes.GetHost(b.modid, b.cmdid); return err }},
		{"get_host_except", func() error { _, err := b.routes.GetHostExcept(b.modid, b.cmdid, tried); return err }},
		{"report", func() error { return b.routes.Report(host, 0) }},
	}
	for _, c := range calls {
		if err := b.measure(c.name, 1, c.call); err != nil {
			return err
		}
	}
	if err := b.batch("get_host_batch", 100); err != nil {
		return err
	}
	return b.batch("get_host_batch_1000", 1000)
}

func parse(words []string) (*bench, error) {
	var numbers [3]uint32
	for i, word := range words[1:] {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil, err
		}
		numbers[i] = uint32(n)
	}
	routes, err := larshm.Open(words[0])
	return &bench{routes, numbers[0], numbers[1], int(numbers[2])}, err
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: bench INSTANCE MODID CMDID COUNT")
		os.Exit(2)
	}
	b, err := parse(os.Args[1:])
	if err == nil {
		err = b.all()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
