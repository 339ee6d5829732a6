// vcsim runs govmomi's vCenter simulator with a key pair of our choosing: somebody else's server for the contract tests.
//
// It prints one line of JSON, {"url": "https://127.0.0.1:PORT/sdk"}, when it listens, and stops when its standard input
// ends, so that a killed test run leaves no server behind. It binds to loopback only.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/url"
	"os"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	certFile := flag.String("cert", "", "PEM certificate to show; without it plain http is spoken")
	keyFile := flag.String("key", "", "PEM private key of the certificate")
	user := flag.String("user", "user", "the only account")
	password := flag.String("password", "pass", "its password")
	esx := flag.Bool("esx", false, "simulate a single ESXi instead of a vCenter")
	port := flag.String("port", "0", "port on 127.0.0.1; 0 lets the system choose")
	clusters := flag.Int("clusters", 2, "clusters")
	clusterHosts := flag.Int("cluster-hosts", 2, "hosts in each cluster")
	hosts := flag.Int("hosts", 1, "standalone hosts")
	machines := flag.Int("machines", 3, "VMs per resource pool (each cluster and each standalone host)")
	datastores := flag.Int("datastores", 2, "datastores")
	portgroups := flag.Int("portgroups", 2, "distributed port groups")
	folders := flag.Int("folders", 1, "datacenters inside a folder")
	flag.Parse()

	model := simulator.VPX()
	if *esx {
		model = simulator.ESX()
	} else {
		model.Cluster, model.ClusterHost, model.Host = *clusters, *clusterHosts, *hosts
		model.Portgroup, model.Folder = *portgroups, *folders
	}
	model.Machine, model.Datastore = *machines, *datastores
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	defer model.Remove()

	if *certFile != "" {
		pair, err := tls.LoadX509KeyPair(*certFile, *keyFile)
		if err != nil {
			log.Fatal(err)
		}
		model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	model.Service.Listen = &url.URL{Host: "127.0.0.1:" + *port, User: url.UserPassword(*user, *password)}
	server := model.Service.NewServer()
	defer server.Close()

	shown := *server.URL
	shown.User = nil
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": shown.String()}); err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}
