// Command serve serves a public folder with short addresses, for the browser tests: go run ./build/edgestore/serve PUBLIC TRUST STORE
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"stele/build/edgestore"
	"stele/proofs"
	"stele/site"
	"stele/site/edge/links"
	"stele/site/edge/published"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, want PUBLIC TRUST STORE", len(args))
	}
	source, err := sourceOf(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	given := links.New(links.Config{Source: source, Most: links.Bounds{Total: 1000, Day: 100}}).Handler()
	mux.Handle("/r", given)
	mux.Handle("/r/", given)
	mux.Handle("/", links.Announce(site.Handler(args[0])))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/\n", l.Addr())
	return http.Serve(l, mux)
}

// sourceOf is a folder as the base of an edge.
func sourceOf(public, trust, dir string) (*published.Source, error) {
	b, err := os.ReadFile(trust)
	if err != nil {
		return nil, err
	}
	t, err := proofs.ParseTrust(b)
	if err != nil {
		return nil, err
	}
	folder, err := edgestore.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	root := os.DirFS(public)
	s := &proofs.Set{Origin: t.Origin, Publication: 1, Time: time.Now().Unix()}
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, path)
		s.Files = append(s.Files, proofs.SetFile{SHA256: sha256.Sum256(b), Size: uint64(len(b)), Name: filepath.ToSlash(path)})
		return err
	})
	return &published.Source{Store: folder, Base: s, Trust: t, Asset: func(_ context.Context, name string) ([]byte, error) { return fs.ReadFile(root, name) }}, err
}
