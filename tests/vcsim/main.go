// Program vcsim serves the govmomi simulator (somebody else's vCenter) over https for the tests.
//
// It prints one JSON line {"url": ..., "sha256": ...} when it listens and runs until it is interrupted or its
// standard input closes. It makes its own certificate unless -cert and -key name one.
//
// Build: GOPATH=/usr/share/gocode GO111MODULE=off go build -o OUT ./tests/vcsim
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // serves tags over REST
)

type options struct {
	listen, cert, key, user, pass string
	dc, cluster, host, vm         int
	bare, datastore, pg, folder   int
	esx, stdin                    bool
	load                          string
}

func parse() options {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address and port to listen on")
	flag.StringVar(&o.cert, "cert", "", "PEM certificate (default: self-made)")
	flag.StringVar(&o.key, "key", "", "PEM key of -cert")
	flag.StringVar(&o.user, "user", "user", "the only user")
	flag.StringVar(&o.pass, "pass", "pass", "the password")
	flag.IntVar(&o.dc, "dc", 1, "datacenters")
	flag.IntVar(&o.cluster, "cluster", 1, "clusters per datacenter")
	flag.IntVar(&o.host, "host", 3, "hosts per cluster")
	flag.IntVar(&o.vm, "vm", 2, "virtual machines per resource pool")
	flag.IntVar(&o.bare, "bare", 0, "hosts outside clusters, per datacenter")
	flag.IntVar(&o.datastore, "datastore", 1, "datastores per datacenter")
	flag.IntVar(&o.pg, "pg", 1, "distributed port groups per datacenter")
	flag.IntVar(&o.folder, "folder", 0, "datacenters that lie inside a folder, with folders of their own")
	flag.BoolVar(&o.esx, "esx", false, "a single ESXi instead of a vCenter; only -vm and -datastore count")
	flag.StringVar(&o.load, "load", "", "folder of saved objects, one ObjectContent a file, to serve instead of a made estate")
	flag.BoolVar(&o.stdin, "until-eof", false, "stop when standard input closes")
	flag.Parse()
	return o
}

// certificate loads the named key pair, or makes a fresh self-signed one for the listening address.
func certificate(o options) (tls.Certificate, error) {
	if o.cert != "" {
		return tls.LoadX509KeyPair(o.cert, o.key)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "vcsim"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(48 * time.Hour),
		IPAddresses:  []net.IP{net.ParseIP("127.0.0.1")},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// fingerprint is the SHA-256 of the leaf certificate as people compare it: AA:BB:...
func fingerprint(pair tls.Certificate) string {
	pairs := make([]string, 0, sha256.Size)
	for _, b := range sha256.Sum256(pair.Certificate[0]) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return strings.Join(pairs, ":")
}

func serve(o options) error {
	model := simulator.ESX()
	if !o.esx {
		model = simulator.VPX()
		model.Datacenter, model.Cluster, model.ClusterHost, model.Host = o.dc, o.cluster, o.host, o.bare
		model.Portgroup, model.Folder = o.pg, o.folder
	}
	model.Machine, model.Datastore = o.vm, o.datastore
	fill := model.Create
	if o.load != "" {
		fill = func() error { return model.Load(o.load) }
	}
	if err := fill(); err != nil {
		return err
	}
	defer model.Remove()
	pair, err := certificate(o)
	if err != nil {
		return err
	}
	model.Service.Listen = &url.URL{Scheme: "https", Host: o.listen, User: url.UserPassword(o.user, o.pass)}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	model.Service.RegisterEndpoints = true
	server := model.Service.NewServer()
	defer server.Close()
	line, err := json.Marshal(map[string]string{"url": "https://" + server.URL.Host, "sha256": fingerprint(pair)})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	wait(o.stdin)
	return nil
}

func wait(untilEOF bool) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	closed := make(chan struct{})
	if untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(closed)
		}()
	}
	select {
	case <-signals:
	case <-closed:
	}
}

func main() {
	if err := serve(parse()); err != nil {
		log.Fatalf("vcsim: %v", err)
	}
}
