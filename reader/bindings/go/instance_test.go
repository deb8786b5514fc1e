// SPDX-License-Identifier: MIT

package larshm_test

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"testing"

	"larshm"
)

// instance is a running bindings_instance, a fetcher without a directory.
type instance struct {
	name    string
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Scanner
}

var instances int

func startInstance(lines ...string) (*instance, error) {
	instances++
	i := &instance{name: fmt.Sprintf("go-%d-%d", os.Getpid(), instances)}
	i.command = exec.Command(os.Getenv("LARSHM_BINDINGS_INSTANCE"), i.name)
	i.command.Stderr = os.Stderr
	i.input, _ = i.command.StdinPipe()
	output, _ := i.command.StdoutPipe()
	i.output = bufio.NewScanner(output)
	if err := i.command.Start(); err != nil {
		return nil, err
	}
	if err := i.expect("ready"); err != nil {
		return nil, err
	}
	for _, line := range lines {
		if err := i.do(line); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func (i *instance) do(line string) error {
	fmt.Fprintln(i.input, line)
	return i.expect("done")
}

func (i *instance) expect(word string) error {
	if !i.output.Scan() || i.output.Text() != word {
		return fmt.Errorf("instance %s: %q instead of %q", i.name, i.output.Text(), word)
	}
	return nil
}

func (i *instance) stop() {
	i.input.Close()
	i.command.Wait()
}

// open starts an instance that has what the lines say, and opens it; both end with the test.
func open(t testing.TB, lines ...string) (*larshm.Handle, *instance) {
	t.Helper()
	i, err := startInstance(lines...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.stop)
	h, err := larshm.Open(i.name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, i
}

// TestMain starts the instance of the examples.
func TestMain(m *testing.M) {
	if os.Getenv("LARSHM_BINDINGS_INSTANCE") == "" {
		fmt.Fprintln(os.Stderr, "$LARSHM_BINDINGS_INSTANCE is the path of bindings_instance, which the build of larshm makes")
		os.Exit(1)
	}
	i, err := startInstance("route 1 1 10.0.0.1:8080")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("LARSHM_INSTANCE", i.name)
	status := m.Run()
	i.stop()
	os.Exit(status)
}

// at is the host of route 1/1 at an address.
func at(t testing.TB, address string) larshm.Host {
	t.Helper()
	host, err := larshm.HostAt(1, 1, netip.MustParseAddrPort(address))
	if err != nil {
		t.Fatal(err)
	}
	return host
}
