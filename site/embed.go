package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"stele/site/pages"
	"stele/site/text"
)

// The npm package for others' pages. Its own sources lie in embed/; everything else in it is the portal's, in the folder portal/ and byte
// for byte as the portal publishes it, so that the two can be compared.

//go:embed embed
var embedded embed.FS

const shared = "portal/" // where the package has what is the portal's

// Package returns the files of the npm package stele-verify by their path in it. The same sources give the same bytes.
func Package(wasm, wasmExec []byte) (map[string][]byte, error) {
	if len(wasm) == 0 || len(wasmExec) == 0 {
		return nil, errors.New("make the package: no verifier")
	}
	files, err := packageSources()
	if err != nil {
		return nil, err
	}
	there, err := sharedParts(wasm, wasmExec)
	if err != nil {
		return nil, err
	}
	if err := gather(files, there); err != nil {
		return nil, err
	}
	for name, content := range there {
		style, ok := strings.CutPrefix(name, shared)
		if ok && slices.Contains(answerStyles, style) || strings.HasPrefix(name, shared+"text/") { // build.js names them
			files[name] = content
		}
	}
	return files, nil
}

// packageSources reads embed/. Modules are named and stripped as the portal's are.
func packageSources() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(embedded, "embed", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		name, content = publishedModule(strings.TrimPrefix(name, "embed/"), content)
		files[name] = content
		return nil
	})
	return files, err
}

// sharedParts is everything of the portal's that a package may need.
func sharedParts(wasm, wasmExec []byte) (map[string][]byte, error) {
	assets, err := collect()
	if err != nil {
		return nil, err
	}
	texts, err := text.Languages()
	if err != nil {
		return nil, err
	}
	assets["verifier.wasm"], assets["wasm_exec.js"] = wasm, wasmExec
	var languages []string
	for _, t := range texts {
		assets["text/"+t.Language+".json"] = t.Embedded()
		languages = append(languages, t.Language)
	}
	if assets["icons.js"], err = iconsModule(); err != nil {
		return nil, err
	}
	assets["build.js"] = buildModule(wasm, languages)
	there := map[string][]byte{}
	for name, content := range assets {
		there[shared+name] = content
	}
	return there, nil
}

// buildModule tells the scripts what the verifier beside them is, and which languages there are.
func buildModule(wasm []byte, languages []string) []byte {
	sum := sha256.Sum256(wasm)
	b, err := json.Marshal(struct {
		WASM      string   `json:"wasm"`      // as in the integrity attribute
		SHA256    string   `json:"sha256"`    // the same for people, in hex
		Languages []string `json:"languages"` // BCP 47
		Styles    []string `json:"styles"`    // in the order in which they are laid over one another
	}{pages.Integrity(wasm), hex.EncodeToString(sum[:]), languages, answerStyles})
	if err != nil {
		panic(err) // strings
	}
	return []byte("export const build = Object.freeze(" + string(b) + ")\n")
}

// mentioned finds what a module refers to beside itself: what it imports, starts as a worker or loads, also when it is needed (lazy.mjs).
var mentioned = regexp.MustCompile(`'(\.{1,2}/[\w./-]+\.(?:js|css|wasm))'|\blazy\('([\w-]+\.js)'\)`)

// gather adds everything that the package's modules lead to, and refuses a package that would lead to nothing.
func gather(files, there map[string][]byte) error {
	var names []string
	for name := range files {
		if !strings.HasPrefix(name, "example/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i := 0; i < len(names); i++ {
		if path.Ext(names[i]) != ".js" {
			continue
		}
		for _, m := range mentioned.FindAllStringSubmatch(string(files[names[i]]), -1) {
			name := path.Join(path.Dir(names[i]), m[1]+m[2])
			if _, has := files[name]; has {
				continue
			}
			content, has := there[name]
			if !has {
				return fmt.Errorf("make the package: %s leads to %s, which is not there", names[i], name)
			}
			files[name] = content
			names = append(names, name)
		}
	}
	return nil
}

// A drawing is an element of an icon as scripts make it: its name, attributes and children.
type drawing struct {
	Tag      string            `json:"tag"`
	Set      map[string]string `json:"set,omitempty"`
	Children []*drawing        `json:"children,omitempty"`
}

// iconsModule is the sprite of the pages as data: a script in a page that demands Trusted Types cannot read markup.
func iconsModule() ([]byte, error) {
	var b bytes.Buffer
	if err := pages.Icons().Render(context.Background(), &b); err != nil {
		return nil, err
	}
	sprite, err := readDrawing(&b)
	if err != nil {
		return nil, fmt.Errorf("read the icons: %w", err)
	}
	content, err := json.Marshal(sprite)
	if err != nil {
		return nil, err
	}
	return []byte("export const icons = " + string(content) + "\n"), nil
}

func readDrawing(r io.Reader) (*drawing, error) {
	root := &drawing{}
	within := []*drawing{root}
	for d := xml.NewDecoder(r); ; {
		token, err := d.Token()
		if err == io.EOF {
			if len(root.Children) != 1 {
				return nil, fmt.Errorf("%d drawings, want 1", len(root.Children))
			}
			return root.Children[0], nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			child := &drawing{Tag: token.Name.Local, Set: map[string]string{}}
			for _, a := range token.Attr {
				child.Set[a.Name.Local] = a.Value
			}
			parent := within[len(within)-1]
			parent.Children = append(parent.Children, child)
			within = append(within, child)
		case xml.EndElement:
			within = within[:len(within)-1]
		}
	}
}
