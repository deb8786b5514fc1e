// SPDX-License-Identifier: MIT

package larshm_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"larshm"
)

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	routes, err := larshm.OpenWait(ctx, "") // $LARSHM_INSTANCE, or "default"; at boot it may come later
	if err != nil {
		log.Fatal(err)
	}
	defer routes.Close()
	if err := routes.WaitRoute(ctx, 1, 1); err != nil { // once, at the start: the route may not be cached yet
		log.Fatal(err)
	}
	host, err := routes.GetHost(1, 1) // at each call: nanoseconds
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(host)
	routes.Report(host, 0) // how the call went; a host that fails is ejected
	// Output: 10.0.0.1:8080
}

func ExampleHandle_GetHostBatch() {
	routes, err := larshm.Open("")
	if err != nil {
		log.Fatal(err)
	}
	defer routes.Close()
	hosts := []larshm.Host{{Modid: 1, Cmdid: 1}, {Modid: 7, Cmdid: 7}} // use the slices again for the next batch
	codes := make([]larshm.Code, len(hosts))
	if _, err := routes.GetHostBatch(hosts, codes); err != nil {
		log.Fatal(err)
	}
	for i, code := range codes {
		if code == larshm.OK {
			fmt.Println(hosts[i])
		} else {
			fmt.Println(code == larshm.ErrPending)
		}
	}
	// Output:
	// 10.0.0.1:8080
	// true
}

func ExampleDialer() {
	routes, err := larshm.Open("")
	if err != nil {
		log.Fatal(err)
	}
	defer routes.Close()
	dialer := &larshm.Dialer{Handle: routes}
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}}
	if answer, err := client.Get("http://1.1.larshm/"); err == nil {
		answer.Body.Close()
	}
}
