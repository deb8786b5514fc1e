// SPDX-License-Identifier: MIT

// Replays vectors.txt in Go, see there.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"time"

	"larshm"
)

const calls = 100

var codes = map[string]larshm.Code{
	"OK": larshm.OK, "OVERLOAD": larshm.ErrOverload, "SYSTEM_ERROR": larshm.ErrSystem, "NOEXIST": larshm.ErrNoExist,
	"PENDING": larshm.ErrPending, "FULL": larshm.ErrFull, "STALE": larshm.ErrStale, "TIMEOUT": larshm.ErrTimeout,
	"NO_OBJECT": larshm.ErrNoObject, "NO_PERMISSION": larshm.ErrNoPermission, "FOREIGN": larshm.ErrForeign,
	"UNSAFE": larshm.ErrUnsafe, "SHORT": larshm.ErrShort, "NOT_LARSHM": larshm.ErrNotLarshm, "LAYOUT": larshm.ErrLayout,
	"CORRUPT": larshm.ErrCorrupt, "BAD_ARGUMENT": larshm.ErrBadArgument, "CUT_OFF": larshm.ErrCutOff,
	"END": larshm.ErrEnd, "OVERRUN": larshm.ErrOverrun,
}

var states = map[larshm.HostState]string{
	larshm.InRotation: "rotation", larshm.Ejected: "ejected", larshm.Drained: "drained",
}

var (
	routes  *larshm.Handle
	changes *larshm.Changes
)

func codeName(err error) string {
	if err == nil {
		return "OK"
	}
	for name, code := range codes {
		if errors.Is(err, code) {
			return name
		}
	}
	return err.Error()
}

// The vectors hold no other numbers in the lines that are replayed.
func number(word string) uint32 {
	n, err := strconv.ParseUint(word, 10, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

func parseHost(modid, cmdid, address string) larshm.Host {
	host, err := larshm.HostAt(number(modid), number(cmdid), netip.MustParseAddrPort(address))
	if err != nil {
		panic(err)
	}
	return host
}

// sorted are the words sorted, each one once.
func sorted(words []string) []string {
	seen := map[string]bool{}
	var once []string
	for _, word := range words {
		if !seen[word] {
			seen[word] = true
			once = append(once, word)
		}
	}
	sort.Strings(once)
	return once
}

// picks is the code, and the hosts that came. Of several codes, the first that is not OK.
func picks(pick func() (larshm.Host, error)) []string {
	var hosts []string
	var err error
	for n := 0; n < calls && err == nil; n++ {
		var host larshm.Host
		if host, err = pick(); err == nil {
			hosts = append(hosts, host.String())
		}
	}
	return append([]string{codeName(err)}, sorted(hosts)...)
}

func doGet(words []string) []string {
	return picks(func() (larshm.Host, error) { return routes.GetHost(number(words[1]), number(words[2])) })
}

func doExcept(words []string) []string {
	var tried []larshm.Host
	if words[3] != "-" {
		for _, address := range strings.Split(words[3], ",") {
			tried = append(tried, parseHost(words[1], words[2], address))
		}
	}
	return picks(func() (larshm.Host, error) {
		return routes.GetHostExcept(number(words[1]), number(words[2]), tried)
	})
}

func doBatch(words []string) (came []string) {
	var hosts []larshm.Host
	for _, word := range words[1:] {
		name, _, _ := strings.Cut(word, "=")
		modid, cmdid, _ := strings.Cut(name, ":")
		hosts = append(hosts, larshm.Host{Modid: number(modid), Cmdid: number(cmdid)})
	}
	results := make([]larshm.Code, len(hosts))
	found, err := routes.GetHostBatch(hosts, results)
	if err != nil {
		return []string{err.Error()}
	}
	for i, code := range results {
		name := "OK"
		if code == larshm.OK {
			found--
		} else {
			name = codeName(code)
		}
		came = append(came, fmt.Sprintf("%d:%d=%s", hosts[i].Modid, hosts[i].Cmdid, name))
	}
	if found != 0 {
		came = append(came, "and another number of them is returned")
	}
	return came
}

func doHosts(words []string) []string {
	hosts, state, err := routes.GetRoute(number(words[1]), number(words[2]))
	var came, listed []string
	for i, host := range hosts {
		came = append(came, host.String()+"="+states[state[i]])
	}
	came = append([]string{codeName(err)}, sorted(came)...)
	infos, err := routes.Hosts(number(words[1]), number(words[2]))
	for _, info := range infos {
		listed = append(listed, info.Host.String()+"="+states[info.State])
	}
	listed = append([]string{codeName(err)}, sorted(listed)...)
	if strings.Join(came, " ") != strings.Join(listed, " ") {
		came = append(append(came, "and as a list"), listed...)
	}
	return came
}

func doSize(words []string) []string {
	hosts, _, err := routes.GetRoute(number(words[1]), number(words[2]))
	if err != nil {
		return []string{codeName(err)}
	}
	return []string{"OK", strconv.Itoa(len(hosts))}
}

func doRoutes([]string) []string {
	var all []string
	err := routes.Routes(func(modid, cmdid uint32) bool {
		all = append(all, fmt.Sprintf("%d:%d", modid, cmdid))
		return true
	})
	if err != nil {
		return []string{codeName(err)}
	}
	return sorted(all)
}

func doInfo(words []string) []string {
	info, err := routes.Info(number(words[1]), number(words[2]))
	return []string{codeName(err), fmt.Sprintf("hosts=%d", info.Hosts), fmt.Sprintf("ejected=%d", info.Ejected),
		fmt.Sprintf("drained=%d", info.Drained)}
}

func doReport(words []string) []string {
	retcode, err := strconv.ParseInt(words[4], 10, 32)
	if err != nil {
		panic(err)
	}
	return []string{codeName(routes.Report(parseHost(words[1], words[2], words[3]), int32(retcode)))}
}

// deadline is that of a call with TIMEOUT_MS, where a negative one is none.
func deadline(word string) (context.Context, context.CancelFunc) {
	ms, err := strconv.Atoi(word)
	if err != nil {
		panic(err)
	}
	if ms < 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), time.Duration(ms)*time.Millisecond)
}

func doWait(words []string) []string {
	ctx, cancel := deadline(words[3])
	defer cancel()
	return []string{codeName(routes.WaitRoute(ctx, number(words[1]), number(words[2])))}
}

func doChanges([]string) []string {
	var changed []string
	for {
		modid, cmdid, err := changes.Next()
		if err != nil {
			return append([]string{codeName(err)}, sorted(changed)...)
		}
		changed = append(changed, fmt.Sprintf("%d:%d", modid, cmdid))
	}
}

func doChange(words []string) []string {
	ctx, cancel := deadline(words[1])
	defer cancel()
	return []string{codeName(changes.Wait(ctx))}
}

func doFormat(words []string) []string {
	return []string{parseHost("0", "0", words[1]).String()}
}

func doOpen(words []string) []string {
	other, err := larshm.Open(words[1])
	if err == nil {
		other.Close()
	}
	return []string{codeName(err)}
}

// What came is the codes whose texts are there, and no text of another code.
func doStrerror(words []string) (came []string) {
	texts := map[string]bool{}
	for _, word := range words[1:] {
		code, known := codes[word]
		text := code.Error()
		if !known || text == "" || texts[text] {
			word = "no-text-of-its-own"
		}
		texts[text] = true
		came = append(came, word)
	}
	return came
}

// given: so many words of the line are arguments, and those behind them are what is expected; where the order of these is
// free, those behind sorted are sorted.
var verbs = map[string]struct {
	given  int
	call   func(words []string) []string
	sorted int
}{
	"get":      {3, doGet, 4},
	"except":   {4, doExcept, 5},
	"batch":    {1, doBatch, 0},
	"hosts":    {3, doHosts, 4},
	"size":     {3, doSize, 0},
	"info":     {3, doInfo, 0},
	"report":   {5, doReport, 0},
	"wait":     {4, doWait, 0},
	"routes":   {1, doRoutes, 1},
	"changes":  {1, doChanges, 2},
	"change":   {2, doChange, 0},
	"format":   {1, doFormat, 0},
	"open":     {2, doOpen, 0},
	"strerror": {1, doStrerror, 0},
}

// replayLine is what went otherwise, or "".
func replayLine(line string) string {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 || words[len(words)-1] == "RANGE" { // which Go's types cannot hold
		return ""
	}
	switch words[0] {
	case "route", "eject", "drain", "answer":
		return ""
	}
	verb, known := verbs[words[0]]
	if !known || len(words) < verb.given {
		return "no such call: " + words[0]
	}
	expected := words[verb.given:]
	if verb.sorted > 0 && len(words) > verb.sorted {
		expected = append(words[verb.given:verb.sorted:verb.sorted], sorted(words[verb.sorted:])...)
	}
	came := strings.Join(verb.call(words), " ")
	if came != strings.Join(expected, " ") {
		return fmt.Sprintf("%s: expected %s, came %s", words[0], strings.Join(expected, " "), came)
	}
	return ""
}

// replay is false if a call went otherwise, which is printed.
func replay(file io.Reader) bool {
	passed := true
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		if failure := replayLine(lines.Text()); failure != "" {
			fmt.Printf("%d: %s\n", number, failure)
			passed = false
		}
	}
	return passed && lines.Err() == nil
}

func run(program, path string) (passed bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	name := fmt.Sprintf("replay-go-%d", os.Getpid())
	instance := exec.Command(program, name, path)
	instance.Stderr = os.Stderr
	input, _ := instance.StdinPipe()
	output, _ := instance.StdoutPipe()
	if err := instance.Start(); err != nil {
		return false, err
	}
	defer instance.Wait()
	defer input.Close()
	if ready, err := bufio.NewReader(output).ReadString('\n'); ready != "ready\n" {
		return false, fmt.Errorf("no instance: %q: %v", ready, err)
	}
	if routes, err = larshm.Open(name); err != nil {
		return false, err
	}
	defer routes.Close()
	changes = routes.Changes()
	return replay(file), nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: replay INSTANCE_PROGRAM FILE")
		os.Exit(2)
	}
	passed, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !passed {
		os.Exit(1)
	}
}
