// SPDX-License-Identifier: MIT

package larshm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"larshm"
)

// listen is a server that takes connections, and its address.
func listen(t *testing.T) string {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server.Addr().String()
}

// refusing is an address at which connections are refused.
func refusing(t *testing.T) string {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	return server.Addr().String()
}

// expectReports waits until the results of the host at an address are these.
func expectReports(t *testing.T, h *larshm.Handle, address string, successes, failures uint64) {
	t.Helper()
	for {
		infos, err := h.Hosts(1, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range infos {
			if info.Host.String() != address {
				continue
			}
			if info.Successes == successes && info.Failures == failures {
				return
			}
			if info.Successes > successes || info.Failures > failures {
				t.Fatal(info)
			}
		}
		time.Sleep(time.Millisecond)
	}
}

func TestDialReportsTheOutcome(t *testing.T) {
	good, bad := listen(t), refusing(t)
	h, i := open(t, "route 1 1 "+good+" "+bad, "eject 1 1 "+good)
	dialer := larshm.Dialer{Handle: h}
	_, _, err := dialer.Dial(context.Background(), "tcp", 1, 1) // there is only the bad one
	expect(t, err, syscall.ECONNREFUSED)
	expect(t, i.do("return 1 1 "+good), nil)
	expect(t, i.do("eject 1 1 "+bad), nil)
	for _, dialer.FailuresOnly = range []bool{false, true} {
		conn, _, err := dialer.Dial(context.Background(), "tcp", 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	expect(t, h.Report(at(t, bad), 1), nil) // those before have been collected by then
	expectReports(t, h, bad, 0, 2)
	expectReports(t, h, good, 1, 0)
}

func TestDialTriesAnotherHost(t *testing.T) {
	good, bad := listen(t), refusing(t)
	h, _ := open(t, "route 1 1 "+good+" "+bad)
	dialer := larshm.Dialer{Handle: h}
	for n := 0; n < 20; n++ {
		conn, host, err := dialer.Dial(context.Background(), "tcp", 1, 1)
		if err != nil || host.String() != good || conn.RemoteAddr().String() != good {
			t.Fatal(host, err)
		}
		conn.Close()
	}
}

func TestDialGivesUpAfterItsAttempts(t *testing.T) {
	h, _ := open(t, "route 1 1 "+refusing(t), "route 1 2 127.0.0.1:1 127.0.0.2:1 127.0.0.3:1 127.0.0.4:1", "route 1 3")
	for _, attempts := range []int{-1, 0, 1, 9, 1000} {
		dialer := larshm.Dialer{Handle: h, Attempts: attempts}
		for cmdid := uint32(1); cmdid <= 2; cmdid++ {
			_, _, err := dialer.Dial(context.Background(), "tcp", 1, cmdid)
			expect(t, err, syscall.ECONNREFUSED)
		}
		_, _, err := dialer.Dial(context.Background(), "tcp", 1, 3)
		expect(t, err, larshm.ErrNoExist)
	}
}

func TestDialWaitsForARouteThatIsNew(t *testing.T) {
	good := listen(t)
	h, _ := open(t, "answer 2 1 "+good)
	conn, _, err := (&larshm.Dialer{Handle: h}).Dial(context.Background(), "tcp", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, _, err = (&larshm.Dialer{Handle: h}).Dial(ctx, "tcp", 9, 9)
	expect(t, err, context.DeadlineExceeded)
}

// hanging is an address that answers no attempt to connect: its queue is full.
func hanging(t *testing.T) string {
	t.Helper()
	server, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(server) })
	syscall.Bind(server, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	syscall.Listen(server, 0)
	name, err := syscall.Getsockname(server)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for {
		conn, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
}

func TestDialLeavesTimeForAnotherHost(t *testing.T) {
	good := listen(t)
	h, _ := open(t, "route 1 1 "+good+" "+hanging(t))
	dialer := larshm.Dialer{Handle: h}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for n := 0; n < 2; n++ {
		conn, host, err := dialer.Dial(ctx, "tcp", 1, 1)
		if err != nil || host.String() != good {
			t.Fatal(host, err)
		}
		conn.Close()
	}
}

func TestDialDoesNotBlameHostsForThisMachine(t *testing.T) {
	h, _ := open(t, route)
	attempts := 0
	dialer := larshm.Dialer{Handle: h, Net: net.Dialer{Control: func(string, string, syscall.RawConn) error {
		attempts++
		return syscall.EMFILE
	}}}
	_, _, err := dialer.Dial(context.Background(), "tcp", 1, 1)
	if !errors.Is(err, syscall.EMFILE) || attempts != 1 {
		t.Error(attempts, err)
	}
	_, _, err = dialer.Dial(context.Background(), "no such network", 1, 1)
	if attempts != 1 {
		t.Error(attempts, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = dialer.Dial(ctx, "tcp", 1, 1)
	expect(t, err, context.Canceled)
	for _, address := range []string{"10.0.0.1:8080", "10.0.0.2:8080"} {
		expect(t, h.Report(at(t, address), 0), nil)
		expectReports(t, h, address, 1, 0)
	}
}

func TestDialThatIsCancelledIsNoFailureOfTheHost(t *testing.T) {
	address := hanging(t)
	h, _ := open(t, "route 1 1 "+address)
	ctx, cancel := context.WithCancel(context.Background())
	dialer := larshm.Dialer{Handle: h, Net: net.Dialer{Control: func(string, string, syscall.RawConn) error {
		time.AfterFunc(time.Millisecond, cancel)
		return nil
	}}}
	if _, _, err := dialer.Dial(ctx, "tcp", 1, 1); err == nil {
		t.Error("it is connected")
	}
	expect(t, h.Report(at(t, address), 0), nil)
	expectReports(t, h, address, 1, 0)
}

func TestTransportsDialRoutesByName(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprint(answer, request.Host)
	}))
	defer server.Close()
	h, _ := open(t, "route 1 4294967295 "+server.Listener.Addr().String())
	dialer := &larshm.Dialer{Handle: h}
	transport := &http.Transport{DialContext: dialer.DialContext}
	defer transport.CloseIdleConnections()
	for _, name := range []string{"1.4294967295.larshm", server.Listener.Addr().String()} {
		answer, err := (&http.Client{Transport: transport}).Get("http://" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if string(body) != name || err != nil {
			t.Error(string(body), err)
		}
	}
	for _, name := range []string{"1.4294967296.larshm:80", "1.larshm:80", ".larshm", "1.1.1.larshm", "-1.1.larshm:80"} {
		var wrong *net.AddrError
		if _, err := dialer.DialContext(context.Background(), "tcp", name); !errors.As(err, &wrong) {
			t.Error(name, err)
		}
	}
}
