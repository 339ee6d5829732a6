// Program govmomi_peer fetches and decodes the properties named in a file, as a Go client would, and prints the seconds.
//
// Usage: govmomi_peer URL PATHS.json, where PATHS.json is {"VirtualMachine": ["name", ...], "HostSystem": [...]}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/mo"
)

func run(ctx context.Context, address, file string) error {
	var paths map[string][]string
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &paths); err != nil {
		return err
	}
	target, err := url.Parse(address)
	if err != nil {
		return err
	}
	client, err := govmomi.NewClient(ctx, target, true)
	if err != nil {
		return err
	}
	defer client.Logout(ctx)
	began := time.Now()
	root := client.ServiceContent.RootFolder
	v, err := view.NewManager(client.Client).CreateContainerView(ctx, root, []string{"HostSystem", "VirtualMachine"}, true)
	if err != nil {
		return err
	}
	var hosts []mo.HostSystem
	if err := v.Retrieve(ctx, []string{"HostSystem"}, paths["HostSystem"], &hosts); err != nil {
		return err
	}
	var vms []mo.VirtualMachine
	if err := v.Retrieve(ctx, []string{"VirtualMachine"}, paths["VirtualMachine"], &vms); err != nil {
		return err
	}
	fmt.Printf("{\"seconds\": %.3f, \"vms\": %d, \"hosts\": %d}\n", time.Since(began).Seconds(), len(vms), len(hosts))
	return nil
}

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
